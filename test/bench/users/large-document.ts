const OPERATIONS = 400
const BYTES = 3_400_000

/** An API document of 3.4 MB with 400 operations, in the shape that generators write. */
export function largeDocument(): string {
  const document = (words: number) => ({
    openapi: '3.1.0',
    info: { title: 'Large API', version: '1.0.0', description: 'A generated document.' },
    paths: {
      ...Object.fromEntries(Array.from({ length: OPERATIONS }, (_, index) => operation(index, words))),
      '/v1/chat/completions': {
        post: {
          summary: 'Create a chat completion',
          requestBody: body('Resource0'),
          responses: responses('Resource0'),
        },
      },
    },
    components: { schemas: Object.fromEntries(Array.from({ length: OPERATIONS }, (_, index) => schema(index, words))) },
  })
  const size = (words: number) => JSON.stringify(document(words)).length
  const [none, ten] = [size(0), size(10)]
  return JSON.stringify(document(Math.round((10 * (BYTES - none)) / (ten - none))))
}

function operation(index: number, words: number): [string, object] {
  const parameter = (name: string) => ({
    name,
    in: 'query',
    description: text(name, words),
    schema: { type: 'string' },
  })
  return [
    `/v1/resources${index}`,
    {
      get: {
        operationId: `list${index}`,
        summary: `List resources of kind ${index}`,
        description: text('list', words),
        tags: [`Group ${index % 20}`],
        parameters: [parameter('limit'), parameter('cursor'), parameter('sort')],
        responses: responses(`Resource${index}`),
      },
      post: {
        operationId: `create${index}`,
        summary: `Create a resource of kind ${index}`,
        tags: [`Group ${index % 20}`],
        requestBody: body(`Resource${index}`),
        responses: responses(`Resource${index}`),
      },
    },
  ]
}

function schema(index: number, words: number): [string, object] {
  const properties = Array.from({ length: 10 }, (_, member) => [
    `member_${member}`,
    { type: member % 3 === 0 ? 'integer' : 'string', description: text(`member ${member}`, words) },
  ])
  const next = { $ref: `#/components/schemas/Resource${(index + 1) % OPERATIONS}` }
  return [
    `Resource${index}`,
    { type: 'object', required: ['member_0'], properties: { ...Object.fromEntries(properties), next } },
  ]
}

function body(name: string): object {
  return { required: true, content: content(name) }
}

function responses(name: string): object {
  return { 200: { description: 'OK', content: content(name) }, 400: { description: 'The request is not valid.' } }
}

function content(name: string): object {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } }
}

function text(subject: string, words: number): string {
  return `The ${subject} ${'of this resource '.repeat(words)}`.trim()
}
