import { followed, member } from '../../clients/threescale/spec.js'
import { modelId } from './spec-words.js'

/** Nodes of one document that are looked at, and of one operation. */
const MOST_STEPS = 100_000
const STEPS_OF_OPERATION = 3000
const DEEPEST = 14

/** Values that generators and authors write in place of an id. */
const PLACEHOLDER =
  /^(null|none|nil|undefined|true|false|string|str|text|model|model[-_ ]?(id|name)|(the|your|my|some|any|an?|example|sample|test|insert)[-_ ].*|default|auto|foo|bar|baz|todo|tbd|n\/a|.*not[-_ ]specified|unspecified|x+|\.+|…|[<{[$%].*)$/i

/** Reads what the requests of a document say of the model. References are followed within bounds. */
export function createExamples(spec: unknown) {
  let left = MOST_STEPS
  let steps = 0

  return {
    /** The example id in the request of a POST operation, and whether its answer can be streamed. */
    modelOf(item: unknown, operation: unknown): { modelId?: string; streams?: true } {
      steps = Math.min(left, STEPS_OF_OPERATION)
      const before = steps
      const bodies = bodiesOf(item, operation)
      const id = firstOf(bodies, ({ example, examples, schema }) => {
        const shown = [example, ...namedExamples(examples)].map((each) => member(each, 'model'))
        return firstOf(shown, idIn) ?? idInSchema(schema, 0)
      })
      const streams =
        bodies.some(({ schema }) => propertiesNamed(schema, 'stream', 0).some(isBoolean)) || sends(operation)
      left -= before - steps
      return { ...(id === undefined ? {} : { modelId: id }), ...(streams ? { streams } : {}) }
    },
  }

  /** OpenAPI 3 `requestBody`, Swagger 2 parameters in the body or the form. */
  function bodiesOf(item: unknown, operation: unknown): { example: unknown; examples: unknown; schema: unknown }[] {
    const content = member(follow(member(operation, 'requestBody')), 'content')
    const parameters = [member(operation, 'parameters'), member(item, 'parameters')].flatMap(listOf).map(follow)
    const form = parameters.filter((node) => member(node, 'in') === 'formData')
    return [
      ...valuesOf(content).map((media) => ({
        example: member(media, 'example'),
        examples: member(media, 'examples'),
        schema: member(media, 'schema'),
      })),
      ...parameters
        .filter((node) => member(node, 'in') === 'body')
        .map((node) => ({
          example: member(node, 'x-example') ?? valuesOf(member(node, 'x-examples'))[0],
          examples: undefined,
          schema: member(node, 'schema'),
        })),
      {
        example: undefined,
        examples: undefined,
        schema: { properties: Object.fromEntries(form.map((node) => [String(member(node, 'name')), node])) },
      },
    ]
  }

  function namedExamples(examples: unknown): unknown[] {
    return Array.isArray(examples)
      ? examples.slice(0, 5)
      : valuesOf(examples)
          .slice(0, 5)
          .map((example) => member(follow(example), 'value'))
  }

  function idInSchema(start: unknown, depth: number): string | undefined {
    const schema = follow(start)
    const whole = [member(schema, 'example'), listOf(member(schema, 'examples'))[0], member(schema, 'default')]
    return (
      firstOf(whole, (example) => idIn(member(example, 'model'))) ??
      firstOf(propertiesNamed(schema, 'model', depth), (property) => idOfProperty(property, 0))
    )
  }

  /** What a schema says of the value itself: an example, or the only one that it accepts. */
  function idOfProperty(start: unknown, depth: number): string | undefined {
    if (depth > DEEPEST || !take()) return undefined
    const schema = follow(start)
    // from OpenAPI 3.1 on a reference may have members beside it
    return (
      firstOf([...valuesGiven(start), ...valuesGiven(schema)], idIn) ??
      firstOf(partsOf(schema), (part) => idOfProperty(part, depth + 1))
    )
  }

  function valuesGiven(schema: unknown): unknown[] {
    const choices = member(schema, 'enum')
    return [
      member(schema, 'example'),
      member(schema, 'x-example'),
      listOf(member(schema, 'examples'))[0],
      member(schema, 'const'),
      member(schema, 'default'),
      Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined,
    ]
  }

  /** The schemas of a member, in this schema and in those that it is combined with. */
  function propertiesNamed(start: unknown, name: string, depth: number): unknown[] {
    if (depth > DEEPEST || !take()) return []
    const schema = follow(start)
    const own = member(member(schema, 'properties'), name)
    return [
      ...(own === undefined ? [] : [own]),
      ...partsOf(schema).flatMap((part) => propertiesNamed(part, name, depth + 1)),
    ]
  }

  function isBoolean(start: unknown): boolean {
    const schema = follow(start)
    return (
      [member(schema, 'type')].flat().includes('boolean') ||
      partsOf(schema).some((part) => member(follow(part), 'type') === 'boolean')
    )
  }

  /** A response of server-sent events. */
  function sends(operation: unknown): boolean {
    const produces = listOf(member(operation, 'produces'))
    const responses = valuesOf(member(operation, 'responses')).map(follow)
    return (
      produces.includes('text/event-stream') ||
      responses.some((response) => member(member(response, 'content'), 'text/event-stream') !== undefined)
    )
  }

  function follow(start: unknown): unknown {
    return followed(spec, start, () => take())
  }

  function valuesOf(node: unknown): unknown[] {
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return []
    const values = Object.values(node).slice(0, 50)
    return take(values.length) ? values : []
  }

  function listOf(node: unknown): unknown[] {
    return Array.isArray(node) && take(Math.min(node.length, 50)) ? node.slice(0, 50) : []
  }

  function partsOf(schema: unknown): unknown[] {
    return ['allOf', 'anyOf', 'oneOf'].flatMap((name) => listOf(member(schema, name)))
  }

  function take(count = 1): boolean {
    if (steps < count) return false
    steps -= count
    return true
  }
}

/** An id that a client could send; never a placeholder for one. */
function idIn(value: unknown): string | undefined {
  const id = modelId(value)
  return id === undefined || PLACEHOLDER.test(id) ? undefined : id
}

function firstOf<T>(items: T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
