import type {
  ApiDoc,
  FieldDefinition,
  GatewayConfig,
  Plan,
  Product,
  TenantSettings,
  Threescale,
} from '../../clients/threescale/nouns.js'
import { summaryOf } from '../../web/markdown.js'
import { baseUrlOf, endpointOf, factsOf, pathsOf, typeOf } from './facts.js'
import type { Model } from './schemas.js'

/** What PORTAL_CONFIG says of a product. */
export interface ProductNotes {
  visible_to?: string[]
  hidden?: boolean
  model_id?: string
  type?: Model['type']
  context_length?: number
  summary?: string
}

/** One product with a production configuration; `offered` are the plans a developer can take. */
export interface Entry {
  model: Model
  product: Product
  plans: Plan[]
  offered: Plan[]
  applicationFields: FieldDefinition[]
}

export interface Snapshot {
  entries: Entry[]
  settings: TenantSettings
}

type Source = Pick<
  Threescale,
  'listProducts' | 'listPlans' | 'listGatewayConfigs' | 'listApiDocs' | 'listFieldDefinitions' | 'readSettings'
>

/** The whole catalogue from six bulk calls (more pages past 500 products), whatever the number of products. */
export async function takeSnapshot(threescale: Source, notes: Record<string, ProductNotes>): Promise<Snapshot> {
  const [products, plans, configs, docs, fields, settings] = await Promise.all([
    threescale.listProducts(),
    threescale.listPlans(),
    threescale.listGatewayConfigs(),
    threescale.listApiDocs(),
    threescale.listFieldDefinitions(),
    threescale.readSettings(),
  ])
  const plansOf = groupByProduct(plans)
  const configOf = new Map(configs.map((config) => [config.productId, config]))
  const docOf = new Map(docs.filter((doc) => doc.published).map((doc) => [doc.productId, doc]))
  const applicationFields = fields.filter((field) => field.target === 'application')
  const entries = products.flatMap((product) => {
    const config = configOf.get(product.id)
    if (!config) return []
    const own = plansOf.get(product.id) ?? []
    return [entryOf(product, own, config, docOf.get(product.id), applicationFields, notes[product.systemName] ?? {})]
  })
  return { entries, settings }
}

function groupByProduct(plans: Plan[]): Map<number, Plan[]> {
  const groups = new Map<number, Plan[]>()
  for (const plan of plans) groups.set(plan.productId, [...(groups.get(plan.productId) ?? []), plan])
  return groups
}

function entryOf(
  product: Product,
  plans: Plan[],
  config: GatewayConfig,
  doc: ApiDoc | undefined,
  fields: FieldDefinition[],
  note: ProductNotes,
): Entry {
  const offered = plans
    .filter((plan) => !plan.custom && (plan.isDefault || plan.state === 'published'))
    .sort((a, b) => a.id - b.id)
  const facts = factsOf(doc)
  const { userKey, appId, appKey } = config.credentials.names
  return {
    product,
    plans,
    offered,
    applicationFields: fields,
    model: {
      system_name: product.systemName,
      name: product.name,
      summary: note.summary ?? summaryOf(product.description),
      description: product.description,
      type: note.type ?? typeOf(config.rules),
      model_id: note.model_id ?? facts.modelId ?? null,
      endpoint: endpointOf(config),
      base_url: baseUrlOf(config),
      context_length: note.context_length ?? facts.contextLength ?? null,
      credentials: { ...config.credentials, names: { user_key: userKey, app_id: appId, app_key: appKey } },
      can_select_plan: product.canSelectPlan,
      plans: offered.map((plan) => ({
        system_name: plan.systemName,
        name: plan.name,
        default: plan.isDefault,
        approval_required: plan.approvalRequired,
        cost_per_month: plan.costPerMonth,
        setup_fee: plan.setupFee,
        trial_period_days: plan.trialPeriodDays,
        limits: null,
      })),
      application_fields: fields
        .filter((field) => !field.hidden && !field.readOnly)
        .map(({ name, label, required, choices }) => ({ name, label, required, choices })),
      paths: pathsOf(config.rules),
      // the real address is learned from the issuer's discovery
      token_url: config.credentials.mode === 'oidc' ? (config.issuer ?? null) : null,
    },
  }
}
