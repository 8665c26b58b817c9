import type { MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough, templateOf } from '../../clients/threescale/patterns.js'
import type { Model } from '../models/schemas.js'
import { knownCalls } from './known-calls.js'
import { nameOperations, type Operation, type Parameter, type Reference } from './shapes.js'

const MOST = 100

/**
 * The reference of a product without a spec: what its mapping rules let through, with the bodies that are known for its
 * type. `usualPath` is where a call of the type goes, which a rule may let through without naming it.
 */
export function madeReference(model: Model, rules: MappingRule[], usualPath: string, why: string): Reference {
  const seen = new Set<string>()
  const usual = { method: 'POST', pattern: `${usualPath}$` }
  const named = model.type === 'custom' || rules.some(({ pattern }) => templateOf(pattern).path === usualPath)
  const fits = !named && letsThrough(rules, 'POST', usualPath)
  const operations = [...(fits ? [usual] : []), ...rules]
    .filter(({ method, pattern }) => !seen.has(`${method} ${pattern}`) && seen.add(`${method} ${pattern}`))
    .slice(0, MOST)
    .map((rule) => operationFor(rule))
  return {
    uploaded: false,
    title: '',
    version: '',
    description: '',
    notes: [why, ...(rules.length > MOST ? [`The first ${MOST} of ${rules.length} mapping rules are shown.`] : [])],
    servers: [],
    schemes: [],
    operations: nameOperations(operations),
  }
}

function operationFor({ method, pattern }: Pick<MappingRule, 'method' | 'pattern'>): Omit<Operation, 'id'> {
  const { path, exact, parameters } = templateOf(pattern)
  const verb = method === 'ANY' ? 'POST' : method
  const known = knownCalls.find((call) => call.method === verb && call.ending.test(path))
  const writes = verb === 'POST' || verb === 'PUT' || verb === 'PATCH'
  return {
    method: verb,
    path,
    base: '',
    tag: '',
    summary: known?.summary ?? '',
    description: exact || known ? '' : 'The gateway lets this path and everything that begins with it through.',
    deprecated: false,
    parameters: [
      ...[...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) => parameter(name, 'path', '')),
      ...parameters.map(([name, value]) => parameter(name, 'query', value.startsWith('{') ? '' : value)),
    ],
    body:
      known?.body || writes
        ? {
            required: true,
            description: known?.body ? '' : 'What the service takes is not told; the gateway passes on whatever it is.',
            kinds: [
              {
                type: known?.type ?? 'application/json',
                schema: known?.body ?? {},
                example: JSON.stringify(known?.body ? { model: '', ...known.example } : { input: 'Hello' }, null, 2),
              },
            ],
          }
        : undefined,
    responses: [
      {
        status: '200',
        description: known?.answer ?? 'What the service answers.',
        kinds: known?.answerType ? [{ type: known.answerType, schema: {}, example: '' }] : [],
      },
    ],
  }
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
