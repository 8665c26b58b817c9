import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { availablePlans } from '../../../clients/threescale/tenant-rules/available-plans.js'
import type {
  ApiDoc,
  BackendPath,
  FieldDefinition,
  GatewayConfig,
  GatewayRefusals,
  MappingRule,
  Plan,
  Product,
  TenantSettings,
  Threescale,
  TokenPolicy,
} from '../../../clients/threescale/types.js'
import type { Model } from '../schemas.js'
import type { SpecFacts } from '../specs/spec-facts.js'
import { deduceFacts, type ExamplesByType } from '../specs/spec-operations.js'
import { endpointOf, type Facts, gatewayFacts, pathsOf, type SourcedFacts } from './facts.js'

/** One product with a production configuration, as the bulk calls return it. */
export interface SnapshotEntry {
  product: Product
  plans: Plan[]
  /** the plans on offer to developers, in 3scale's order */
  offered: Plan[]
  applicationFields: FieldDefinition[]
  /** from the deployed configuration */
  gateway: Pick<Model, 'endpoint' | 'credentials' | 'paths'> & {
    issuer: string | undefined
    rules: MappingRule[]
    backends: BackendPath[]
    /** metrics of its mapping rules: what the gateway reports and checks for each call */
    metrics: string[]
    tokenPolicy: TokenPolicy | undefined
    refusals: GatewayRefusals
    version: number
    /** when this version was first seen, in ms; null: probably longer ago than gateways cache a configuration */
    promotedBy: number | null
  }
  /** the published spec; its text is read on demand */
  spec: SpecRef | undefined
  /** by precedence: declared in the spec, from the gateway, deduced from the spec */
  facts: SourcedFacts[]
  /** facts that follow from prefix rules: used where no other source has the fact */
  assumed: Facts
  /** facts in the examples of calls that the mapping rules accept, by model type */
  specExamples: ExamplesByType
}

export interface SpecRef {
  id: number
  /** hash of its text, which identifies the version */
  hash: string
}

export interface Snapshot {
  entries: SnapshotEntry[]
  settings: TenantSettings
}

export interface SnapshotDeps {
  threescale: Pick<
    Threescale,
    'listProducts' | 'listPlans' | 'listGatewayConfigs' | 'listApiDocs' | 'listFieldDefinitions' | 'readSettings'
  >
  /** stores the texts of specs and returns their facts, by product */
  readSpecs(docs: ApiDoc[]): Promise<Map<number, { ref: SpecRef; facts: SpecFacts }>>
  /** receives every deployed configuration: the snapshot, which replicas share, must not contain private addresses */
  onConfigs(configs: GatewayConfig[]): void
  /** the snapshot before this one, in this process or in Redis */
  previous: Snapshot | undefined
  /** how long gateways cache a configuration */
  configurationSeconds: number
  now: () => number
}

/** What an entry was built from: the same objects result in the same entry. */
const inputsOf = new WeakMap<SnapshotEntry, unknown[]>()
/** After this time of building, requests are answered first. */
const SLICE_MS = 10

/**
 * Reads the whole catalogue with six bulk calls, and further pages beyond 500 products. 3scale answers all but the settings from
 * its cache until they change. Entries that did not change are those of the previous snapshot, and so is the snapshot if none did.
 */
export async function takeSnapshot(deps: SnapshotDeps): Promise<Snapshot> {
  const { threescale, readSpecs, onConfigs, previous } = deps
  const [{ products, plans }, configs, docs, fields, settings] = await Promise.all([
    productsAndPlans(threescale),
    threescale.listGatewayConfigs(),
    threescale.listApiDocs(),
    threescale.listFieldDefinitions(),
    threescale.readSettings({ isBackground: true }),
  ])
  onConfigs(configs)
  const plansOf = groupByProduct(plans)
  const configOf = new Map(configs.map((config) => [config.productId, config]))
  const specOf = await readSpecs(docs.filter((doc) => doc.published))
  const before = new Map(previous?.entries.map((entry) => [entry.product.id, entry]))
  const applicationFields = fields.filter((field) => field.target === 'application')
  const entries: SnapshotEntry[] = []
  let began = performance.now()
  for (const product of products) {
    const config = configOf.get(product.id)
    if (!config) continue
    const [productPlans, spec] = [plansOf.get(product.id) ?? [], specOf.get(product.id)]
    const parts = { product, plans: productPlans, config, spec, applicationFields }
    entries.push(entryOf(parts, before.get(product.id), deps))
    if (performance.now() - began < SLICE_MS) continue
    await yieldToEventLoop()
    began = performance.now()
  }
  return previous && isSameSnapshot(previous, entries, settings) ? previous : { entries, settings }
}

interface EntryParts {
  product: Product
  plans: Plan[]
  config: GatewayConfig
  spec: { ref: SpecRef; facts: SpecFacts } | undefined
  applicationFields: FieldDefinition[]
}

function entryOf(parts: EntryParts, before: SnapshotEntry | undefined, deps: SnapshotDeps): SnapshotEntry {
  const { product, plans, config, spec, applicationFields } = parts
  const inputs = [product, config, spec?.ref.hash, spec?.facts, plans.length, ...plans, ...applicationFields]
  const known = before && inputsOf.get(before)
  if (known && known.length === inputs.length && known.every((input, index) => input === inputs[index])) return before
  const built = buildEntry(parts, before, deps)
  const entry = before && JSON.stringify(before) === JSON.stringify(built) ? before : built
  inputsOf.set(entry, inputs)
  return entry
}

function buildEntry(
  { product, plans, config, spec, applicationFields }: EntryParts,
  before: SnapshotEntry | undefined,
  deps: SnapshotDeps,
): SnapshotEntry {
  const { stated, assumed } = gatewayFacts(config)
  const deduced = spec && deduceFacts(spec.facts.operations, config)
  return {
    product,
    plans,
    offered: availablePlans(plans),
    applicationFields,
    gateway: gatewayOf(config, promotionTime(config, before, deps)),
    spec: spec?.ref,
    facts: [
      ...(spec ? [{ source: 'active_docs' as const, facts: spec.facts.declared }] : []),
      { source: 'gateway' as const, facts: stated },
      ...(deduced ? [{ source: 'active_docs' as const, facts: deduced.facts }] : []),
    ],
    assumed,
    specExamples: deduced?.examples ?? {},
  }
}

function isSameSnapshot(previous: Snapshot, entries: SnapshotEntry[], settings: TenantSettings): boolean {
  return (
    previous.entries.length === entries.length &&
    previous.entries.every((entry, index) => entry === entries[index]) &&
    JSON.stringify(previous.settings) === JSON.stringify(settings)
  )
}

/** Products first: a new default plan is detected by the change of its product. */
async function productsAndPlans(threescale: SnapshotDeps['threescale']) {
  const products = await threescale.listProducts()
  return { products, plans: await threescale.listPlans(products) }
}

function groupByProduct(plans: Plan[]): Map<number, Plan[]> {
  const groups = new Map<number, Plan[]>()
  for (const plan of plans) {
    const group = groups.get(plan.productId)
    if (group) group.push(plan)
    else groups.set(plan.productId, [plan])
  }
  return groups
}

/**
 * 3scale does not report the time of a promotion. It lies between two snapshots; in the first snapshot, a configuration that did
 * not change recently counts as promoted long ago.
 */
function promotionTime(
  { version, changedAt }: GatewayConfig,
  before: SnapshotEntry | undefined,
  { previous, configurationSeconds, now }: SnapshotDeps,
): number | null {
  if (before?.gateway.version === version) return before.gateway.promotedBy
  const changedRecently = now() - Date.parse(changedAt) < configurationSeconds * 1000
  return previous || changedRecently ? now() : null
}

function gatewayOf(config: GatewayConfig, promotionTime: number | null): SnapshotEntry['gateway'] {
  const { mode, location, names } = config.credentials
  return {
    endpoint: endpointOf(config),
    credentials: {
      mode,
      location,
      names: { user_key: names.userKey, app_id: names.appId, app_key: names.appKey },
    },
    paths: pathsOf(config.rules),
    issuer: mode === 'oidc' ? config.issuer : undefined,
    rules: config.rules,
    backends: config.backends,
    metrics: [...new Set(config.rules.map(({ metric }) => metric))],
    tokenPolicy: config.tokenPolicy,
    refusals: config.refusals,
    version: config.version,
    promotedBy: promotionTime,
  }
}
