import { attributeOf, isVisible } from '../../clients/threescale/tenant-rules/built-in-fields.js'
import type { FieldDefinition, Plan, Product, ThreescaleApplication } from '../../clients/threescale/types.js'
import type { Model } from '../models/schemas.js'
import type { Application } from './schemas.js'

/** Secrets to include in an application, unless its record contains them. */
export interface SecretsToShow {
  reveal?: boolean
  appKeys?: string[] | undefined
  clientSecret?: string | undefined
  /** 3scale stored a change that did not reach the gateway */
  repairRequired?: boolean
}

type Mode = Application['credentials']['mode']

export interface ApplicationContext {
  model: Model
  product: Product
  plans: Plan[]
  applicationFields: FieldDefinition[]
}

/** The application as its owner sees it. `entry` is undefined if its product is not deployed. */
export function toApplication(
  record: ThreescaleApplication,
  entry: ApplicationContext | undefined,
  secrets: SecretsToShow = {},
): Application {
  const plan = entry?.plans.find((candidate) => candidate.id === record.planId)
  const shape = entry?.model.credentials ?? inferCredentials(record)
  return {
    id: record.id,
    name: record.name,
    description: entry && !isVisible(attributeOf(entry.applicationFields, 'description')) ? '' : record.description,
    state: record.state,
    model: entry?.model.system_name ?? null,
    model_name: entry?.model.name ?? null,
    plan: plan?.systemName ?? null,
    // the copy in the record can be stale
    plan_name: plan?.name ?? record.planName,
    base_url: entry?.model.base_url ?? null,
    model_id: entry?.model.model_id ?? null,
    created_at: record.createdAt,
    repair_required: secrets.repairRequired ?? false,
    fields: entry ? shownFields(record, entry.applicationFields) : {},
    credentials: {
      ...shape,
      ...(secrets.reveal ? secretsOf(record, shape.mode, secrets, entry?.model.token_url ?? null) : {}),
    },
  }
}

/** 3scale also returns hidden fields, and an empty text for a removed value. */
function shownFields({ fields }: ThreescaleApplication, definitions: FieldDefinition[]): Record<string, string> {
  const shown = new Set(definitions.filter((field) => !field.builtIn && isVisible(field)).map(({ name }) => name))
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => shown.has(name) && value !== ''))
}

/** How the application authenticates, inferred from its record if its product is not deployed. */
export function modeOf(record: ThreescaleApplication, entry: { model: Model } | undefined): Mode {
  return entry?.model.credentials.mode ?? inferMode(record)
}

function secretsOf(
  record: ThreescaleApplication,
  mode: Mode,
  { appKeys, clientSecret }: SecretsToShow,
  tokenUrl: string | null,
) {
  if (mode === 'user_key') return { user_key: record.userKey ?? '' }
  if (mode === 'app_id') return { app_id: record.appId ?? '', app_keys: appKeys ?? [] }
  return {
    client_id: record.appId ?? '',
    client_secret: clientSecret ?? record.clientSecret ?? '',
    token_url: tokenUrl,
  }
}

export function inferMode({ clientSecret, appId }: ThreescaleApplication): Mode {
  if (clientSecret !== undefined) return 'oidc'
  return appId === undefined ? 'user_key' : 'app_id'
}

function inferCredentials(record: ThreescaleApplication): Application['credentials'] {
  const mode = inferMode(record)
  return { mode, location: 'authorization', names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' } }
}
