import type { MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough, templateOf } from '../../clients/threescale/patterns.js'
import { callOf, modelListPath } from '../../model-calls/example-calls.js'
import type { Model } from '../models/schemas.js'
import { knownCallAt } from './known-calls.js'
import { type Body, nameOperations, type Operation, type Parameter, type Reference } from './shapes.js'

const MOST = 100

/**
 * The reference of a product without a spec: what its mapping rules let through, with the bodies that are known for its
 * type. Calls that the rules let through without naming them come first: that of the type, and the list of models.
 */
export function madeReference(model: Model, rules: MappingRule[], why: string): Reference {
  const seen = new Set<string>()
  const { takesModel, method, address, format } = callOf(model)
  const list = takesModel ? modelListPath(model) : undefined
  const usual = [
    ...(model.type === 'custom' ? [] : [{ method, pattern: `${address.slice(model.endpoint.length)}$` }]),
    ...(list === undefined ? [] : [{ method: 'GET', pattern: `${list}$` }]),
  ].filter(({ method, pattern }) => isOnlyPrefixed(rules, method, pattern.slice(0, -1)))
  const operations = [...usual, ...rules]
    .filter(({ method, pattern }) => !seen.has(`${method} ${pattern}`) && seen.add(`${method} ${pattern}`))
    .slice(0, MOST)
    .map((rule) => operationFor(rule, model.endpoint + templateOf(rule.pattern).path === address ? format : undefined))
  return {
    uploaded: false,
    title: '',
    version: '',
    description: '',
    notes: [why, ...(rules.length > MOST ? [`The first ${MOST} of ${rules.length} mapping rules are shown.`] : [])],
    servers: [],
    schemes: [],
    operations: nameOperations(operations),
    others: { count: 0, named: [], more: [] },
    about: [],
  }
}

function isOnlyPrefixed(rules: MappingRule[], method: string, path: string): boolean {
  const named = rules.some((rule) => letsThrough([rule], method, path) && templateOf(rule.pattern).path === path)
  return !named && letsThrough(rules, method, path)
}

function operationFor(
  { method, pattern }: Pick<MappingRule, 'method' | 'pattern'>,
  format: ReturnType<typeof callOf>['format'],
): Omit<Operation, 'id'> {
  const { path, exact, parameters } = templateOf(pattern)
  const verb = method === 'ANY' ? 'POST' : method
  const known = knownCallAt(verb, path, format)
  const writes = verb === 'POST' || verb === 'PUT' || verb === 'PATCH'
  return {
    method: verb,
    path,
    base: '',
    tag: '',
    summary: known?.summary ?? '',
    description: exact || known ? '' : 'The gateway accepts this path and every path that begins with it.',
    deprecated: false,
    parameters: [
      ...[...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) => parameter(name, 'path', '')),
      ...parameters.map(([name, value]) => parameter(name, 'query', value.startsWith('{') ? '' : value)),
    ],
    body:
      usualBody(known) ??
      (writes
        ? {
            required: true,
            description: 'The request format of this service is not documented. The gateway forwards any body.',
            kinds: [{ type: 'application/json', schema: {}, example: textOf({ input: 'Hello' }) }],
          }
        : undefined),
    responses: [
      {
        status: '200',
        description: known?.answer ?? 'The answer of the service.',
        kinds: known?.answerType ? [{ type: known.answerType, schema: {}, example: '' }] : [],
      },
    ],
  }
}

/** The body of a known call; undefined where it has none. An empty `model` is filled in before the call is sent. */
export function usualBody(known: ReturnType<typeof knownCallAt>): Body | undefined {
  if (!known?.body) return undefined
  const { type = 'application/json', body: schema } = known
  const example = textOf({ ...(schema.properties?.model ? { model: '' } : {}), ...known.example })
  return { required: true, description: '', kinds: [{ type, schema, example }] }
}

function textOf(value: object): string {
  return JSON.stringify(value, null, 2)
}

function parameter(name: string, place: 'path' | 'query', example: string): Parameter {
  return {
    name,
    in: place,
    required: true,
    description: '',
    schema: { type: 'string' },
    example,
    repeats: false,
  }
}
