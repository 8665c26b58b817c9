import { attributeOf, isShown } from '../../clients/threescale/built-in-fields.js'
import type { FieldDefinition, Plan, Product, Application as Record3scale } from '../../clients/threescale/nouns.js'
import type { Model } from '../models/schemas.js'
import type { Application } from './schemas.js'

/** Secrets to show with an application; those that its record holds itself need not be given. */
export interface Shown {
  reveal?: boolean
  appKeys?: string[] | undefined
  clientSecret?: string | undefined
  /** a write of it is stored and did not reach the gateway */
  repairNeeded?: boolean
}

type Mode = Application['credentials']['mode']

export interface PresentedWith {
  model: Model
  product: Product
  plans: Plan[]
  applicationFields: FieldDefinition[]
}

/** A record of 3scale as the application that its owner sees. `found` is undefined when its product is not deployed. */
export function present(record: Record3scale, found: PresentedWith | undefined, shown: Shown = {}): Application {
  const plan = found?.plans.find((candidate) => candidate.id === record.planId)
  const shape = found?.model.credentials ?? guessCredentials(record)
  return {
    id: record.id,
    name: record.name,
    description: found && !isShown(attributeOf(found.applicationFields, 'description')) ? '' : record.description,
    state: record.state,
    model: found?.model.system_name ?? '',
    model_name: found?.model.name ?? '',
    plan: plan?.systemName ?? '',
    // The row's copy of the name may be stale.
    plan_name: plan?.name ?? record.planName,
    base_url: found?.model.base_url ?? null,
    model_id: found?.model.model_id ?? null,
    created_at: record.createdAt,
    repair_needed: shown.repairNeeded ?? false,
    fields: found ? shownFields(record, found.applicationFields) : {},
    credentials: {
      ...shape,
      ...(shown.reveal ? secretsOf(record, shape.mode, shown, found?.model.token_url ?? null) : {}),
    },
  }
}

/** 3scale returns hidden fields too. */
function shownFields({ fields }: Record3scale, definitions: FieldDefinition[]): Record<string, string> {
  const shown = new Set(definitions.filter((field) => !field.builtIn && isShown(field)).map(({ name }) => name))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => shown.has(name)))
}

/** How the application proves itself. Without its product, the shape of its record tells. */
export function modeOf(record: Record3scale, found: { model: Model } | undefined): Mode {
  return found?.model.credentials.mode ?? guessMode(record)
}

function secretsOf(record: Record3scale, mode: Mode, { appKeys, clientSecret }: Shown, tokenUrl: string | null) {
  if (mode === 'user_key') return { user_key: record.userKey ?? '' }
  if (mode === 'app_id') return { app_id: record.appId ?? '', app_keys: appKeys ?? [] }
  return {
    client_id: record.appId ?? '',
    client_secret: clientSecret ?? record.clientSecret ?? '',
    token_url: tokenUrl,
  }
}

/** The mode by the shape of the record. */
export function guessMode({ clientSecret, appId }: Record3scale): Mode {
  if (clientSecret !== undefined) return 'oidc'
  return appId === undefined ? 'user_key' : 'app_id'
}

function guessCredentials(record: Record3scale): Application['credentials'] {
  const mode = guessMode(record)
  return { mode, location: 'authorization', names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' } }
}
