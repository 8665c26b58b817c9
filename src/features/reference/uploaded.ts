import { member, textOf } from '../../clients/threescale/spec.js'
import type { Rule } from '../../model-calls/call-paths.js'
import { documentedBase } from '../../model-calls/documented-base.js'
import { formatIn } from '../../model-calls/documented-format.js'
import { mappedOperation } from '../../model-calls/mapped-operations.js'
import { endpointAt } from '../../model-calls/openai-endpoints.js'
import { type PathTemplate, templateFrom } from '../../model-calls/path-templates.js'
import { summaryOf } from '../../web/markdown.js'
import { bodyOf, responsesOf } from './bodies.js'
import { aboutOf, schemesOf, serversOf } from './claims.js'
import { knownCallAt } from './known-calls.js'
import { usualBody } from './made.js'
import {
  nameOperations,
  type Operation,
  type OtherOperation,
  type Others,
  type Reference,
  type Scheme,
} from './shapes.js'
import { createNodes, listed, type Nodes } from './spec-nodes.js'
import { parametersOf } from './spec-parameters.js'

const verbs = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const
/** shown in full */
const MOST_OPERATIONS = 100
/** named in a list */
const MOST_NAMED = 200
const MOST_PATHS = 3000
/** operations that are compared with mapping rules, times the rules */
const MOST_COMPARISONS = 100_000
const LEAST_COMPARED = 200
const LONGEST_WORDS = 4000
const LONGEST_SUMMARY = 600
const PLAIN_SUMMARY = 120

type Unnamed = Omit<Operation, 'id'>

/** By what the operations of a document are chosen. */
export interface Mapping {
  rules: Rule[]
  /** paths that backends are mounted at */
  mounts: string[]
}

/** An operation as the document has it. */
interface Found {
  verb: string
  template: PathTemplate
  base: string
  item: unknown
  operation: object
}

/**
 * An uploaded spec, OpenAPI 2, 3.0 or 3.1, as far as it can be understood; undefined where it names no operation. With a mapping,
 * only operations that the rules let through are read in full, so that the bounds of one document are spent on them.
 */
export function referenceOf(spec: Record<string, unknown>, mapping?: Mapping): Reference | undefined {
  const nodes = createNodes(spec)
  const info = member(spec, 'info')
  const paths = nodes.entriesOf(member(spec, 'paths'))
  const read = paths.slice(0, MOST_PATHS).map(([path, item]) => ({ template: templateFrom(path), item }))
  const good = read.filter(({ template }) => /^\/[^?#\\\s]*$/.test(template.path))
  const found = good.flatMap(({ template, item }) => operationsAt(spec, nodes, template, item))
  if (found.length === 0) return undefined
  const { mapped, unmapped } = chosen(found, mapping)
  const shown = mapped.slice(0, MOST_OPERATIONS)
  const description = words(nodes, member(info, 'description'), 20_000)
  const schemes = schemesOf(spec, nodes)
  const operations = shown.map((each) => operationOf(spec, nodes, schemes, each))
  return {
    uploaded: true,
    title: textOf(member(info, 'title'), 200) ?? '',
    version: textOf(member(info, 'version'), 40) ?? '',
    description,
    servers: serversOf(spec),
    schemes,
    operations: nameOperations(operations),
    others: othersOf(nodes, mapped.slice(MOST_OPERATIONS), unmapped),
    about: aboutOf(spec, nodes),
    notes: [
      ...(mapped.length > MOST_OPERATIONS
        ? [`${MOST_OPERATIONS} of ${mapped.length} operations are shown in full.`]
        : []),
      ...(good.length < read.length ? ['Some paths of the spec cannot be called and are left out.'] : []),
      ...(nodes.outside() ? ['Parts of the spec lie in other documents, which are not loaded.'] : []),
      ...(nodes.exhausted() ? ['The spec is very large, so some of its fields are left out.'] : []),
    ],
  }
}

function operationsAt(spec: unknown, nodes: Nodes, template: PathTemplate, at: unknown): Found[] {
  const item = nodes.follow(at)
  return verbs.flatMap((verb) => {
    const operation = nodes.follow(member(item, verb))
    if (typeof operation !== 'object' || operation === null) return []
    return [{ verb, template, base: documentedBase(spec, item, operation), item, operation }]
  })
}

/** Usual calls first where there are more than can be shown. */
function chosen(found: Found[], mapping: Mapping | undefined): { mapped: Found[]; unmapped: Found[] } {
  const most = mapping ? Math.max(LEAST_COMPARED, MOST_COMPARISONS / Math.max(1, mapping.rules.length)) : found.length
  const isMapped = ({ verb, base, template: { path } }: Found, index: number) =>
    !mapping ||
    (index < most &&
      mappedOperation({ method: verb.toUpperCase(), base, path }, mapping.rules, mapping.mounts) !== undefined)
  const mapped: Found[] = []
  const unmapped: Found[] = []
  for (const [index, each] of found.entries()) (isMapped(each, index) ? mapped : unmapped).push(each)
  if (mapped.length <= MOST_OPERATIONS) return { mapped, unmapped }
  const isUsual = ({ verb, template }: Found) => endpointAt(verb.toUpperCase(), template.path) !== undefined
  return { mapped: [...mapped.filter(isUsual), ...mapped.filter((each) => !isUsual(each))], unmapped }
}

function othersOf(nodes: Nodes, more: Found[], unmapped: Found[]): Others {
  const named = (list: Found[]): OtherOperation[] =>
    list.slice(0, MOST_NAMED).map(({ verb, template: { path }, operation }) => ({
      method: verb.toUpperCase(),
      path: path.slice(0, 200),
      summary: summaryFor(nodes, operation).slice(0, 100),
    }))
  return { count: unmapped.length, named: named(unmapped), more: named(more) }
}

function operationOf(spec: unknown, nodes: Nodes, schemes: Scheme[], found: Found): Unnamed {
  const { verb, template, base, item, operation } = found
  const given = [...listed(member(operation, 'parameters')), ...listed(member(item, 'parameters'))].map(nodes.follow)
  const usual = knownCallAt(verb.toUpperCase(), template.path, formatIn(spec, template.path, operation))
  return {
    method: verb.toUpperCase(),
    path: template.path,
    base,
    tag: textOf(listed(member(operation, 'tags'))[0], 80) ?? '',
    summary: summaryFor(nodes, operation),
    description: words(nodes, member(operation, 'description'), LONGEST_WORDS),
    deprecated: member(operation, 'deprecated') === true,
    parameters: parametersOf(nodes, { ...template, path: base + template.path }, schemes, given),
    body: bodyOf(spec, nodes, operation, given, usual?.example) ?? usualBody(usual),
    responses: responsesOf(spec, nodes, operation),
  }
}

/** Authors write Markdown and whole paragraphs here too, which a heading and a list of contents show as one plain sentence. */
function summaryFor(nodes: Nodes, operation: object): string {
  const summary = nodes.shortText(member(operation, 'summary'), LONGEST_SUMMARY) ?? ''
  return /[`*_[\]<&\\]/.test(summary) || summary.length > PLAIN_SUMMARY ? summaryOf(summary) : summary
}

function words(nodes: Nodes, value: unknown, longest: number): string {
  if (typeof value !== 'string') return ''
  return nodes.kept(value.length > longest ? `${value.slice(0, longest)}…` : value)
}
