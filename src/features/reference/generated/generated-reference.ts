import { acceptsRequest, patternTemplate } from '../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { MappingRule } from '../../../clients/threescale/types.js'
import { exampleCall, modelListPath } from '../../../model-calls/example-calls.js'
import type { Model } from '../../models/schemas.js'
import { firstMappingRules, pathPrefix, serviceResponse, undocumentedBody } from '../messages.js'
import {
  type OperationParameter,
  type Reference,
  type ReferenceOperation,
  type RequestBody,
  withIds,
} from '../reference-types.js'
import { knownCallAt } from './known-calls.js'

const MAX_OPERATIONS = 100

/**
 * Generates the reference of a product without a spec: the calls that its mapping rules accept, with the standard bodies of its type.
 * Calls that only prefix rules accept precede them: the standard call of the type, and the list of models.
 */
export function generateReference(model: Model, rules: MappingRule[], reason: string): Reference {
  const seen = new Set<string>()
  const { takesModel, method, address, format } = exampleCall(model)
  const list = takesModel ? modelListPath(model) : undefined
  const usual = [
    ...(model.type === 'custom' ? [] : [{ method, pattern: `${address.slice(model.endpoint.length)}$` }]),
    ...(list === undefined ? [] : [{ method: 'GET', pattern: `${list}$` }]),
  ].filter(({ method, pattern }) => matchesPrefixOnly(rules, method, pattern.slice(0, -1)))
  const operations = [...usual, ...rules]
    .filter(({ method, pattern }) => !seen.has(`${method} ${pattern}`) && seen.add(`${method} ${pattern}`))
    .slice(0, MAX_OPERATIONS)
    .map((rule) =>
      operationFor(rule, model.endpoint + patternTemplate(rule.pattern).path === address ? format : undefined),
    )
  return {
    uploaded: false,
    title: '',
    version: '',
    description: '',
    remarks: [reason, ...(rules.length > MAX_OPERATIONS ? [firstMappingRules(MAX_OPERATIONS, rules.length)] : [])],
    servers: [],
    schemes: [],
    operations: withIds(operations),
    otherOperations: { rejectedCount: 0, rejected: [], accepted: [] },
    apiFacts: [],
  }
}

function matchesPrefixOnly(rules: MappingRule[], method: string, path: string): boolean {
  const named = rules.some(
    (rule) => acceptsRequest([rule], method, path) && patternTemplate(rule.pattern).path === path,
  )
  return !named && acceptsRequest(rules, method, path)
}

function operationFor(
  { method, pattern }: Pick<MappingRule, 'method' | 'pattern'>,
  format: ReturnType<typeof exampleCall>['format'],
): Omit<ReferenceOperation, 'id'> {
  const { path, exact, parameters } = patternTemplate(pattern)
  const requestMethod = method === 'ANY' ? 'POST' : method
  const known = knownCallAt(requestMethod, path, format)
  const writes = requestMethod === 'POST' || requestMethod === 'PUT' || requestMethod === 'PATCH'
  return {
    method: requestMethod,
    path,
    base: '',
    tag: '',
    summary: known?.summary ?? '',
    description: exact || known ? '' : pathPrefix,
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
            description: undocumentedBody,
            variants: [{ type: 'application/json', schema: {}, example: textOf({ input: 'Hello' }) }],
          }
        : undefined),
    responses: [
      {
        status: '200',
        description: known?.response ?? serviceResponse,
        variants: known?.responseType ? [{ type: known.responseType, schema: {}, example: '' }] : [],
      },
    ],
  }
}

/** The body of a standard call; undefined if it has none. An empty `model` is filled in before the call is sent. */
export function usualBody(known: ReturnType<typeof knownCallAt>): RequestBody | undefined {
  if (!known?.body) return undefined
  const { type = 'application/json', body: schema } = known
  const example = textOf({ ...(schema.properties?.model ? { model: '' } : {}), ...known.example })
  return { required: true, description: '', variants: [{ type, schema, example }] }
}

function textOf(value: object): string {
  return JSON.stringify(value, null, 2)
}

function parameter(name: string, location: 'path' | 'query', example: string): OperationParameter {
  return {
    name,
    in: location,
    required: true,
    description: '',
    schema: { type: 'string' },
    example,
    repeatable: false,
  }
}
