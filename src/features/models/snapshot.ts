import { setImmediate as breathe } from 'node:timers/promises'
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
} from '../../clients/threescale/nouns.js'
import { offeredOf } from '../../clients/threescale/offered.js'
import { endpointOf, type Facts, gatewayFacts, pathsOf, type Told } from './facts.js'
import type { Model } from './schemas.js'
import type { SpecFacts } from './spec-facts.js'
import { type Deduced, deducedFacts, type ShownByType } from './spec-operations.js'

/** What the bulk calls tell of one product with a production configuration. */
export interface Entry {
  product: Product
  plans: Plan[]
  /** the plans a developer can take, in 3scale's order */
  offered: Plan[]
  applicationFields: FieldDefinition[]
  /** what the portal reads off the deployed configuration */
  gateway: Pick<Model, 'endpoint' | 'credentials' | 'paths'> & {
    issuer: string | undefined
    rules: MappingRule[]
    backends: BackendPath[]
    /** metrics of its mapping rules: what is counted, and looked at, when a call comes in */
    metrics: string[]
    tokenPolicy: TokenPolicy | undefined
    refusals: GatewayRefusals
    version: number
    /** when this version was first seen, in ms; null: longer ago than gateways cache a configuration, as far as is known */
    promotedBy: number | null
  }
  /** the published spec, whose text is read when it is shown */
  spec: SpecRef | undefined
  /** facts, the first that states one counts: declared in the spec, the gateway's, deduced from the spec */
  told: Told[]
  /** what mapping rules make likely and do not state: it counts where no other source states anything */
  assumed: Facts
  /** what the spec shows in the calls that the mapping rules let through, by the type of model that they are for */
  shown: ShownByType
}

export interface SpecRef {
  id: number
  /** of its text: another hash is another spec */
  hash: string
}

export interface Snapshot {
  entries: Entry[]
  settings: TenantSettings
}

export interface SnapshotDeps {
  threescale: Pick<
    Threescale,
    'listProducts' | 'listPlans' | 'listGatewayConfigs' | 'listApiDocs' | 'listFieldDefinitions' | 'readSettings'
  >
  /** takes over the texts of specs and returns what they say, by product */
  takeSpecs(docs: ApiDoc[]): Promise<Map<number, { ref: SpecRef; told: SpecFacts }>>
  /** hears of every deployed configuration; private addresses never enter the snapshot, which others share */
  sawConfigs(configs: GatewayConfig[]): void
  /** the snapshot before this one, in this process or in Redis */
  previous: Snapshot | undefined
  /** how long gateways cache a configuration */
  configurationSeconds: number
  now: () => number
}

/**
 * The whole catalogue from six bulk calls (more pages past 500 products), whatever the number of products. 3scale
 * renders all but the settings only after a change.
 */
export async function takeSnapshot(deps: SnapshotDeps): Promise<Snapshot> {
  const { threescale, takeSpecs, sawConfigs } = deps
  const [{ products, plans }, configs, docs, fields, settings] = await Promise.all([
    productsAndPlans(threescale),
    threescale.listGatewayConfigs(),
    threescale.listApiDocs(),
    threescale.listFieldDefinitions(),
    threescale.readSettings({ patient: true }),
  ])
  sawConfigs(configs)
  const plansOf = groupByProduct(plans)
  const configOf = new Map(configs.map((config) => [config.productId, config]))
  const specOf = await takeSpecs(docs.filter((doc) => doc.published))
  const deducedOf = await deducedByProduct(specOf, configOf)
  const applicationFields = fields.filter((field) => field.target === 'application')
  const entries = products.flatMap((product) => {
    const config = configOf.get(product.id)
    if (!config) return []
    const spec = specOf.get(product.id)
    const { stated, assumed } = gatewayFacts(config)
    const deduced = deducedOf.get(product.id)
    return [
      {
        product,
        plans: plansOf.get(product.id) ?? [],
        offered: offeredOf(plansOf.get(product.id) ?? []),
        applicationFields,
        gateway: gatewayOf(config, promotedBy(config, deps)),
        spec: spec?.ref,
        told: [
          ...(spec ? [{ source: 'active_docs' as const, facts: spec.told.declared }] : []),
          { source: 'gateway' as const, facts: stated },
          ...(deduced ? [{ source: 'active_docs' as const, facts: deduced.facts }] : []),
        ],
        assumed,
        shown: deduced?.shown ?? {},
      },
    ]
  })
  return { entries, settings }
}

const AT_ONCE_MS = 20

/** What each spec shows in the calls that the rules of its product let through; long work makes room for requests. */
async function deducedByProduct(
  specOf: Map<number, { told: SpecFacts }>,
  configOf: Map<number, GatewayConfig>,
): Promise<Map<number, Deduced>> {
  const deduced = new Map<number, Deduced>()
  let began = performance.now()
  for (const [productId, { told }] of specOf) {
    const config = configOf.get(productId)
    if (config) deduced.set(productId, deducedFacts(told.operations, config))
    if (performance.now() - began < AT_ONCE_MS) continue
    await breathe()
    began = performance.now()
  }
  return deduced
}

/** In this order: a new default plan is detected by the change of its product. */
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
 * Neither the list of configurations nor their content has the time of the promotion. It lies between two snapshots; for the
 * first snapshot, a configuration that was not changed lately counts as promoted long ago.
 */
function promotedBy({ productId, version, changedAt }: GatewayConfig, deps: SnapshotDeps): number | null {
  const { previous, configurationSeconds, now } = deps
  const before = previous?.entries.find(({ product }) => product.id === productId)?.gateway
  if (before?.version === version) return before.promotedBy
  const lately = now() - Date.parse(changedAt) < configurationSeconds * 1000
  return previous || lately ? now() : null
}

function gatewayOf(config: GatewayConfig, promotedBy: number | null): Entry['gateway'] {
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
    promotedBy,
  }
}
