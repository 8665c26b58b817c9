import { boundedText, memberOf } from '../../../clients/threescale/specs/spec.js'
import { documentedBodyFormat } from '../../../model-calls/documented-body-format.js'
import { findEndpoint } from '../../../model-calls/openai-endpoints.js'
import type { CallRule } from '../../../model-calls/paths/call-paths.js'
import { documentedBasePath } from '../../../model-calls/paths/documented-base-path.js'
import { mapOperation } from '../../../model-calls/paths/mapped-operations.js'
import { type PathTemplate, parsePathTemplate } from '../../../model-calls/paths/path-templates.js'
import { markdownSummary } from '../../../web/pages/markdown.js'
import { usualBody } from '../generated/generated-reference.js'
import { knownCallAt } from '../generated/known-calls.js'
import { externalReferences, operationsShown, pathsOmitted, specTruncated } from '../messages.js'
import {
  type OtherOperation,
  type OtherOperations,
  type Reference,
  type ReferenceOperation,
  type SecurityScheme,
  withIds,
} from '../reference-types.js'
import { bodyOf, responsesOf } from './bodies.js'
import { parametersOf } from './parameters.js'
import { boundedList, createSchemaReader, type SchemaReader } from './schema-reader.js'
import { apiFactsOf, schemesOf, serversOf } from './servers-and-security.js'

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const
/** shown in full */
const MAX_OPERATIONS = 100
/** named in a list */
const MAX_LISTED = 200
const MAX_PATHS = 3000
/** operations compared with mapping rules, times the number of rules */
const MAX_COMPARISONS = 100_000
const MIN_COMPARED = 200
const MAX_DESCRIPTION_LENGTH = 4000
const MAX_SUMMARY_LENGTH = 600
const PLAIN_SUMMARY_LENGTH = 120

type OperationWithoutId = Omit<ReferenceOperation, 'id'>

/** The gateway configuration that selects the operations of a document. */
export interface GatewayMapping {
  rules: CallRule[]
  /** paths that backends are mounted at */
  mounts: string[]
}

/** An operation in the document, before it is read. */
interface DocumentOperation {
  method: string
  template: PathTemplate
  base: string
  item: unknown
  operation: object
}

/**
 * Reads an uploaded spec (OpenAPI 2, 3.0 or 3.1), ignoring invalid parts; undefined if it contains no operation. With a mapping, only
 * operations that the rules accept are read in full, so that the budget of the document is spent on them.
 */
export function readOpenApi(spec: Record<string, unknown>, mapping?: GatewayMapping): Reference | undefined {
  const nodes = createSchemaReader(spec)
  const info = memberOf(spec, 'info')
  const paths = nodes.entriesOf(memberOf(spec, 'paths'))
  const read = paths.slice(0, MAX_PATHS).map(([path, item]) => ({ template: parsePathTemplate(path), item }))
  const callable = read.filter(({ template }) => /^\/[^?#\\\s]*$/.test(template.path))
  const all = callable.flatMap(({ template, item }) => operationsAt(spec, nodes, template, item))
  if (all.length === 0) return undefined
  const { mapped, unmapped } = partition(all, mapping)
  const shown = mapped.slice(0, MAX_OPERATIONS)
  const description = truncatedText(nodes, memberOf(info, 'description'), 20_000)
  const schemes = schemesOf(spec, nodes)
  const operations = shown.map((each) => operationOf(spec, nodes, schemes, each))
  return {
    uploaded: true,
    title: boundedText(memberOf(info, 'title'), 200) ?? '',
    version: boundedText(memberOf(info, 'version'), 40) ?? '',
    description,
    servers: serversOf(spec),
    schemes,
    operations: withIds(operations),
    otherOperations: othersOf(nodes, mapped.slice(MAX_OPERATIONS), unmapped),
    apiFacts: apiFactsOf(spec, nodes),
    remarks: [
      ...(mapped.length > MAX_OPERATIONS ? [operationsShown(MAX_OPERATIONS, mapped.length)] : []),
      ...(callable.length < read.length ? [pathsOmitted] : []),
      ...(nodes.hasExternal() ? [externalReferences] : []),
      ...(nodes.exhausted() ? [specTruncated] : []),
    ],
  }
}

function operationsAt(spec: unknown, nodes: SchemaReader, template: PathTemplate, at: unknown): DocumentOperation[] {
  const item = nodes.follow(at)
  return methods.flatMap((name) => {
    const operation = nodes.follow(memberOf(item, name))
    if (typeof operation !== 'object' || operation === null) return []
    return [{ method: name.toUpperCase(), template, base: documentedBasePath(spec, item, operation), item, operation }]
  })
}

/** Operations that the gateway accepts and rejects. If not all can be shown, standard calls come first. */
function partition(
  operations: DocumentOperation[],
  mapping: GatewayMapping | undefined,
): { mapped: DocumentOperation[]; unmapped: DocumentOperation[] } {
  const most = mapping ? Math.max(MIN_COMPARED, MAX_COMPARISONS / Math.max(1, mapping.rules.length)) : operations.length
  const isMapped = ({ method, base, template: { path } }: DocumentOperation, index: number) =>
    !mapping || (index < most && mapOperation({ method, base, path }, mapping.rules, mapping.mounts) !== undefined)
  const mapped: DocumentOperation[] = []
  const unmapped: DocumentOperation[] = []
  for (const [index, each] of operations.entries()) (isMapped(each, index) ? mapped : unmapped).push(each)
  if (mapped.length <= MAX_OPERATIONS) return { mapped, unmapped }
  const isUsual = ({ method, template }: DocumentOperation) => findEndpoint(method, template.path) !== undefined
  return { mapped: [...mapped.filter(isUsual), ...mapped.filter((each) => !isUsual(each))], unmapped }
}

function othersOf(nodes: SchemaReader, more: DocumentOperation[], unmapped: DocumentOperation[]): OtherOperations {
  const named = (list: DocumentOperation[]): OtherOperation[] =>
    list.slice(0, MAX_LISTED).map(({ method, template: { path }, operation }) => ({
      method,
      path: path.slice(0, 200),
      summary: summaryFor(nodes, operation).slice(0, 100),
    }))
  return { rejectedCount: unmapped.length, rejected: named(unmapped), accepted: named(more) }
}

function operationOf(
  spec: unknown,
  nodes: SchemaReader,
  schemes: SecurityScheme[],
  source: DocumentOperation,
): OperationWithoutId {
  const { method, template, base, item, operation } = source
  const parameters = [
    ...boundedList(memberOf(operation, 'parameters')),
    ...boundedList(memberOf(item, 'parameters')),
  ].map(nodes.follow)
  const usual = knownCallAt(method, template.path, documentedBodyFormat(spec, template.path, operation))
  return {
    method,
    path: template.path,
    base,
    tag: boundedText(boundedList(memberOf(operation, 'tags'))[0], 80) ?? '',
    summary: summaryFor(nodes, operation),
    description: truncatedText(nodes, memberOf(operation, 'description'), MAX_DESCRIPTION_LENGTH),
    deprecated: memberOf(operation, 'deprecated') === true,
    parameters: parametersOf(nodes, { ...template, path: base + template.path }, schemes, parameters),
    body: bodyOf(spec, nodes, operation, parameters, usual?.example) ?? usualBody(usual),
    responses: responsesOf(spec, nodes, operation),
  }
}

/** Reduces Markdown and long paragraphs to one plain sentence for headings and the table of contents. */
function summaryFor(nodes: SchemaReader, operation: object): string {
  const summary = nodes.shortText(memberOf(operation, 'summary'), MAX_SUMMARY_LENGTH) ?? ''
  return /[`*_[\]<&\\]/.test(summary) || summary.length > PLAIN_SUMMARY_LENGTH ? markdownSummary(summary) : summary
}

function truncatedText(nodes: SchemaReader, value: unknown, longest: number): string {
  if (typeof value !== 'string') return ''
  return nodes.bounded(value.length > longest ? `${value.slice(0, longest)}…` : value)
}
