import { memberOf, resolveReference } from '../../../clients/threescale/specs/spec.js'
import { validModelId } from './fact-validation.js'

/** Limit of nodes visited per document, and per operation. */
const MAX_STEPS = 100_000
const MAX_OPERATION_STEPS = 3000
const MAX_DEPTH = 14

/** Placeholders that generators and authors write for an id. */
const PLACEHOLDER =
  /^(null|none|nil|undefined|true|false|string|str|text|model|model[-_ ]?(id|name)|(the|your|my|some|any|an?|example|sample|test|insert)[-_ ].*|default|auto|foo|bar|baz|todo|tbd|n\/a|.*not[-_ ]specified|unspecified|x+|\.+|…|[<{[$%].*)$/i

/** Reads the model facts in the requests of a document. References are followed within limits. */
export function createModelExamples(spec: unknown) {
  let left = MAX_STEPS
  let steps = 0

  return {
    /** The example id in the request of a POST operation, and whether its response can be streamed. */
    modelOf(item: unknown, operation: unknown): { modelId?: string; streams?: true } {
      steps = Math.min(left, MAX_OPERATION_STEPS)
      const before = steps
      const bodies = bodiesOf(item, operation)
      const id = firstOf(bodies, ({ example, examples, schema }) => {
        const shown = [example, ...namedExamples(examples)].map((each) => memberOf(each, 'model'))
        return firstOf(shown, idIn) ?? idInSchema(schema, 0)
      })
      const streams =
        bodies.some(({ schema }) => propertiesNamed(schema, 'stream', 0).some(isBoolean)) || sendsEvents(operation)
      left -= before - steps
      return { ...(id === undefined ? {} : { modelId: id }), ...(streams ? { streams } : {}) }
    },
  }

  /** OpenAPI 3 `requestBody`, Swagger 2 parameters in the body or the form. */
  function bodiesOf(item: unknown, operation: unknown): { example: unknown; examples: unknown; schema: unknown }[] {
    const content = memberOf(follow(memberOf(operation, 'requestBody')), 'content')
    const parameters = [memberOf(operation, 'parameters'), memberOf(item, 'parameters')].flatMap(listOf).map(follow)
    const form = parameters.filter((node) => memberOf(node, 'in') === 'formData')
    return [
      ...valuesOf(content).map((media) => ({
        example: memberOf(media, 'example'),
        examples: memberOf(media, 'examples'),
        schema: memberOf(media, 'schema'),
      })),
      ...parameters
        .filter((node) => memberOf(node, 'in') === 'body')
        .map((node) => ({
          example: memberOf(node, 'x-example') ?? valuesOf(memberOf(node, 'x-examples'))[0],
          examples: undefined,
          schema: memberOf(node, 'schema'),
        })),
      {
        example: undefined,
        examples: undefined,
        schema: { properties: Object.fromEntries(form.map((node) => [String(memberOf(node, 'name')), node])) },
      },
    ]
  }

  function namedExamples(examples: unknown): unknown[] {
    return Array.isArray(examples)
      ? examples.slice(0, 5)
      : valuesOf(examples)
          .slice(0, 5)
          .map((example) => memberOf(follow(example), 'value'))
  }

  function idInSchema(start: unknown, depth: number): string | undefined {
    const schema = follow(start)
    const whole = [memberOf(schema, 'example'), listOf(memberOf(schema, 'examples'))[0], memberOf(schema, 'default')]
    return (
      firstOf(whole, (example) => idIn(memberOf(example, 'model'))) ??
      firstOf(propertiesNamed(schema, 'model', depth), (property) => idOfProperty(property, 0))
    )
  }

  /** The id in the schema of the property: an example, or its only accepted value. */
  function idOfProperty(start: unknown, depth: number): string | undefined {
    if (depth > MAX_DEPTH || !take()) return undefined
    const schema = follow(start)
    // From OpenAPI 3.1 on, a reference can have sibling members.
    return (
      firstOf([...statedValues(start), ...statedValues(schema)], idIn) ??
      firstOf(partsOf(schema), (part) => idOfProperty(part, depth + 1))
    )
  }

  function statedValues(schema: unknown): unknown[] {
    const choices = memberOf(schema, 'enum')
    return [
      memberOf(schema, 'example'),
      memberOf(schema, 'x-example'),
      listOf(memberOf(schema, 'examples'))[0],
      memberOf(schema, 'const'),
      memberOf(schema, 'default'),
      Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined,
    ]
  }

  /** The schemas of a property, in this schema and in the schemas combined with it. */
  function propertiesNamed(start: unknown, name: string, depth: number): unknown[] {
    if (depth > MAX_DEPTH || !take()) return []
    const schema = follow(start)
    const own = memberOf(memberOf(schema, 'properties'), name)
    return [
      ...(own === undefined ? [] : [own]),
      ...partsOf(schema).flatMap((part) => propertiesNamed(part, name, depth + 1)),
    ]
  }

  function isBoolean(start: unknown): boolean {
    const schema = follow(start)
    return (
      [memberOf(schema, 'type')].flat().includes('boolean') ||
      partsOf(schema).some((part) => memberOf(follow(part), 'type') === 'boolean')
    )
  }

  /** A response of server-sent events. */
  function sendsEvents(operation: unknown): boolean {
    const produces = listOf(memberOf(operation, 'produces'))
    const responses = valuesOf(memberOf(operation, 'responses')).map(follow)
    return (
      produces.includes('text/event-stream') ||
      responses.some((response) => memberOf(memberOf(response, 'content'), 'text/event-stream') !== undefined)
    )
  }

  function follow(start: unknown): unknown {
    return resolveReference(spec, start, () => take())
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
    return ['allOf', 'anyOf', 'oneOf'].flatMap((name) => listOf(memberOf(schema, name)))
  }

  function take(count = 1): boolean {
    if (steps < count) return false
    steps -= count
    return true
  }
}

/** A valid id that is not a placeholder. */
function idIn(value: unknown): string | undefined {
  const id = validModelId(value)
  return id === undefined || PLACEHOLDER.test(id) ? undefined : id
}

function firstOf<T>(items: T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const result = find(item)
    if (result !== undefined) return result
  }
  return undefined
}
