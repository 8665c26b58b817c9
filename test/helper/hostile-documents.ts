const yaml = 'openapi: 3.0.0\n'
const object = <T>(count: number, entry: (index: number) => [string, T]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)))
/** Below a path that the rules of a custom service map, because operations that no rule maps are listed only by name. */
const paths = (count: number, operation: unknown) => object(count, (index) => [`/predict${index}`, { post: operation }])
const json = (schema: unknown, more: object = {}) => ({
  requestBody: { content: { 'application/json': { schema, ...more } } },
})
const spec = (members: object) => JSON.stringify({ openapi: '3.0.0', ...members })
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const inPath = (text: string) => `{"openapi":"3.0.0","paths":{"/a":{"get":{}}},"x":${text}}`

/** Documents that are expensive to parse, each for another reason; none is longer than the portal accepts. */
export const hostileDocuments: Record<string, () => string> = {
  'explicit keys in each other': () => JSON.stringify(yaml + '? '.repeat(1000)),
  'as many explicit keys as possible': () => yaml + '? '.repeat(190_000),
  'explicit keys in a row': () => yaml + '? a\n'.repeat(95_000),
  'forty thousand keys': () => yaml + Array.from({ length: 40_000 }, (_, index) => `k${index}: 1\n`).join(''),
  'YAML lists in lists': () => `${yaml}x: ${'['.repeat(390_000)}`,
  'YAML mappings in mappings': () => `${yaml}x: ${'{a: '.repeat(95_000)}`,
  'YAML mappings as keys': () => `${yaml}x: ${'{? '.repeat(100_000)}`,
  'compact lists': () => `${yaml}x:\n  ${'- '.repeat(190_000)}`,
  aliases: () => `${yaml}x: [&a 1, ${'*a, '.repeat(95_000)}]`,
  'aliases of aliases': () =>
    `${yaml}a0: &a0 [a]\n${Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}]\n`).join('')}`,
  tags: () => `${yaml}x: ${'!a '.repeat(130_000)}`,
  comments: () => yaml + '# a\n'.repeat(95_000),
  'many YAML documents': () => yaml + '---\na: 1\n'.repeat(40_000),
  tabs: () => yaml + '\t\n'.repeat(190_000),
  'block lines': () => `${yaml}x: |\n${'  a\n'.repeat(95_000)}`,
  'one long YAML text': () => `${yaml}info:\n  description: ${'a b '.repeat(95_000)}`,
  'long pointers': () =>
    spec({
      x: { $ref: `#${'/'.repeat(200_000)}` },
      paths: paths(1, { parameters: Array.from({ length: 1000 }, () => ({ $ref: '#/x' })) }),
    }),
  'long pointers in schemas': () =>
    spec({
      x: { $ref: `#${'/a'.repeat(200_000)}` },
      paths: paths(100, json({ properties: object(100, (index) => [`f${index}`, { $ref: '#/x' }]) })),
    }),
  'pointers in a circle': () =>
    spec({
      a: { $ref: '#/b' },
      b: { $ref: '#/c' },
      c: { $ref: '#/a' },
      paths: paths(100, { parameters: Array.from({ length: 100 }, () => ({ $ref: '#/a' })), ...json({ $ref: '#/a' }) }),
    }),
  'pointers one after the other': () =>
    spec({
      x: object(5000, (index) => [`n${index}`, { $ref: `#/x/n${index + 1}` }]),
      paths: paths(100, json({ allOf: Array.from({ length: 100 }, () => ({ $ref: '#/x/n1' })) })),
    }),
  'a schema that doubles at each level': () =>
    spec({
      s: { allOf: Array(5).fill({ properties: { a: { $ref: '#/s' } } }) },
      paths: paths(100, json({ $ref: '#/s' })),
    }),
  'wide objects that are named everywhere': () =>
    spec({
      big: {
        ...{ in: 'query', name: 'q', type: 'string' },
        example: object(50_000, (index) => [`e${index}`, 1]),
        properties: object(100_000, (index) => [`k${index}`, {}]),
      },
      paths: paths(100, {
        parameters: Array.from({ length: 50 }, () => ({ $ref: '#/big' })),
        ...json({ $ref: '#/big' }),
      }),
    }),
  'wide examples of a schema that is named often': () =>
    spec({
      wide: { type: 'object', properties: { n: { type: 'integer' } }, example: object(50_000, (n) => [`e${n}`, '1']) },
      list: { type: 'array', items: { type: 'integer' }, example: Array(100_000).fill('1') },
      paths: paths(100, {
        parameters: Array.from({ length: 50 }, () => ({ in: 'query', name: 'q', schema: { $ref: '#/list' } })),
        ...json({ anyOf: [{ $ref: '#/wide' }, { $ref: '#/list' }] }, { example: object(1_500, (n) => [`m${n}`, '1']) }),
      }),
    }),
  'paths of placeholders': () =>
    spec({
      paths: object(3000, (index) => [`/predict${index}${'/{a}-{b}:c'.repeat(27)}`, { post: json({ $ref: '#/x' }) }]),
      x: { allOf: Array.from({ length: 50 }, () => ({ $ref: '#/x' })), properties: { model: { $ref: '#/x' } } },
    }),
  'examples nested deep': () => spec({ paths: paths(100, json({}, { example: JSON.parse(deep(2000)) })) }),
  'texts that are examples nested deep': () =>
    spec({
      paths: object(20, (index) => [
        `/v1/p${index}`,
        { post: json({}, { example: `{"model":"m","x":${deep(9000)}}` }) },
      ]),
    }),
  'an example nested deeper than the stack': () => inPath(`{"example":${deep(400_000)}}`),
  'an example of four megabytes': () =>
    spec({ paths: paths(1, json({}, { example: object(200_000, (index) => [`k${index}`, index]) })) }),
  'examples with many colours': () => spec({ paths: paths(100, json({}, { example: Array(3000).fill(1) })) }),
  'forms with long fields': () =>
    spec({
      paths: paths(50, {
        requestBody: {
          content: {
            'application/x-www-form-urlencoded': { example: object(50, (index) => [`f${index}`, '%'.repeat(1000)]) },
          },
        },
      }),
    }),
  'lists of nothing': () => inPath(`[${'[],'.repeat(1_200_000)}1]`),
  'JSON lists in lists': () => inPath(deep(1_900_000)),
  'JSON objects in objects': () => inPath(`${'{"a":'.repeat(600_000)}1${'}'.repeat(600_000)}`),
  'members without end': () => inPath(JSON.stringify(object(280_000, (index) => [`k${index}`, 1]))),
  'a hundred thousand paths': () => spec({ paths: paths(100_000, {}) }),
  'one path of a megabyte': () => spec({ paths: { [`/${'v1/chat/completions/'.repeat(50_000)}`]: { post: {} } } }),
  'as many fields as are shown': () =>
    spec({
      paths: paths(
        100,
        json({
          properties: object(100, (index) => [`field${index}`, { type: 'string', description: 'd'.repeat(100) }]),
        }),
      ),
    }),
  'descriptions of tables': () =>
    spec({
      info: { title: 'T', description: 'a|b\n-|-\n'.repeat(1200) },
      paths: paths(100, { description: 'a|b\n-|-\n'.repeat(480) }),
    }),
  'descriptions of links': () =>
    spec({
      info: { description: 'http://a '.repeat(1100) },
      paths: paths(100, { description: 'http://a '.repeat(440) }),
    }),
  'types that are no text': () =>
    spec({ paths: paths(1, json({ type: [{ toString: 1 }], enum: [{ toString: 1 }], required: [{ toString: 1 }] })) }),
}
