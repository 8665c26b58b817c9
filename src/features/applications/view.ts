import { attributeOf, isOpen, isShown } from '../../clients/threescale/built-in-fields.js'
import type { FieldDefinition, Product } from '../../clients/threescale/nouns.js'
import { keyLimit, refusal, words } from '../../rules.js'
import { codeBlocks } from '../../web/code.js'
import { dateWords } from '../../web/words.js'
import { type Model, playable } from '../models/schemas.js'
import { gatewayWords, limitsWords } from '../models/words.js'
import type { Snippet } from '../snippets/schemas.js'
import { attributesView } from './field-view.js'
import { guards, type ProductRule, rotationGuards } from './guards.js'
import { keyDay } from './keys.js'
import { receiptRow } from './receipt-view.js'
import type { Application, Key, Receipt } from './schemas.js'
import { needsRepair, states } from './states.js'
import type { TestResult } from './trial.js'

const HIDDEN = '••••••••••••••••'

export function applicationView(i: {
  application: Application
  model: Model | undefined
  product: Product | undefined
  definitions: FieldDefinition[]
  keys: Key[]
  receipts: Receipt[]
  snippets: Snippet[]
  revealed: boolean
  /** the application that this one is made to take over from */
  from?: string | undefined
  test?: TestResult | undefined
  values?: Record<string, string> | undefined
  errors?: Record<string, string> | undefined
}) {
  const { application, model } = i
  const base = `/applications/${application.id}`
  const title = application.name || `Application ${application.id}`
  return {
    title,
    base,
    ...textsView(i),
    state: application.repair_needed ? needsRepair : states[application.state],
    modelName: application.model_name || 'No longer offered',
    modelHref: model ? `/models/${encodeURIComponent(model.system_name)}` : '',
    plan: application.plan_name,
    limits: limitsOf(application, model),
    usageHref: `${base}/usage`,
    playHref: playHref(application, model),
    created: dateWords(application.created_at),
    baseUrl: application.base_url ?? '',
    modelId: application.model_id ?? '',
    revealed: i.revealed,
    credentials: credentialRows(application, i.revealed),
    secretWord: application.credentials.mode === 'oidc' ? 'client secret' : 'key',
    code: codeBlocks(i.snippets),
    fromHref: i.from ? `/applications/${i.from}` : '',
    repair: repairView(i),
    testable: model !== undefined && application.state === 'live',
    test: i.test && {
      kind: i.test.ok ? 'success' : 'danger',
      title: i.test.status === undefined ? 'No answer' : `${i.test.status} in ${i.test.ms} ms`,
      words: i.test.words,
      answer: i.test.answer,
    },
    fixed: sentence(i.product, guards.change),
    referrers: i.product ? words('referrer_filters_required', { product: i.product }) : '',
    keys: keysView(i),
    receipts: i.receipts.map(receiptRow),
    notReady: model ? gatewayWords(model) : '',
    planFixed: planWords(i.product, model),
  }
}

/** The form of name and description, and the description as a text where only the operator writes it. */
function textsView({
  application,
  definitions,
  values = {},
  errors = {},
}: {
  application: Application
  definitions: FieldDefinition[]
  values?: Record<string, string> | undefined
  errors?: Record<string, string> | undefined
}) {
  const { name, description } = application
  const attributes = (['name', 'description'] as const).map((one) => attributeOf(definitions, one)).filter(isShown)
  const open = attributes.filter(isOpen)
  const closed = attributes.find(({ readOnly }) => readOnly)
  const fields = attributesView({
    attributes: open,
    values: { name, description, ...values },
    errors,
  })
  return {
    textsTitle: open.length === 1 ? open[0]?.label : 'Details',
    fields,
    readOnlyText: closed && description !== '' ? { label: closed.label, value: description } : undefined,
  }
}

/** Offered where a change did not reach the gateway, and where a test shows that the key is refused. */
function repairView({ application, test }: { application: Application; test?: TestResult | undefined }) {
  const isRefused = test?.status === 401 || test?.status === 403
  if (!application.repair_needed && !isRefused) return undefined
  return {
    title: application.repair_needed ? 'The key cannot be used yet' : 'Is the key refused although it should work?',
    words: application.repair_needed
      ? 'The last change of this application is stored, but it did not reach the gateway. Repair sends it again.'
      : 'A change may not have reached the gateway. Repair sends it again, and leaves a key that works as it is.',
  }
}

/** What its plan allows, from the catalogue; a plan that is offered no longer is on the page of its usage. */
function limitsOf({ plan }: Application, model: Model | undefined): string[] {
  const offered = model?.plans.find(({ system_name }) => system_name === plan)
  return offered ? limitsWords(offered) : []
}

function playHref({ id, state }: Application, model: Model | undefined): string {
  return model && state === 'live' && playable.includes(model.type) ? `/playground?application=${id}` : ''
}

/** Ids are no secret; keys are shown on request only. */
function credentialRows({ credentials }: Application, revealed: boolean) {
  const secret = (label: string, value: string | undefined) => ({
    label,
    value: revealed ? (value ?? 'none') : HIDDEN,
    day: revealed && value ? made(value) : '',
  })
  const plain = (label: string, value: string | undefined) => ({
    label,
    value: revealed ? (value ?? '') : HIDDEN,
    day: '',
  })
  switch (credentials.mode) {
    case 'user_key':
      return [secret('Key', credentials.user_key)]
    case 'app_id':
      return [plain('Application id', credentials.app_id)]
    default:
      return [
        plain('Client id', credentials.client_id),
        secret('Client secret', credentials.client_secret || undefined),
      ]
  }
}

function made(key: string): string {
  const day = keyDay(key)
  return day ? `made on ${dateWords(day)}` : ''
}

/** The panel of keys: a list where there can be several, and what may be done with them. */
function keysView({
  application,
  product,
  keys,
}: {
  application: Application
  product: Product | undefined
  keys: Key[]
}) {
  const { mode } = application.credentials
  const base = `/applications/${application.id}`
  const several = mode === 'app_id'
  const word = mode === 'oidc' ? 'secret' : 'key'
  const fixed = sentence(product, rotationGuards[mode])
  return {
    several,
    title: several ? 'Keys' : mode === 'oidc' ? 'Client secret' : 'Key',
    missing:
      keys.length === 0 && mode !== 'user_key'
        ? `This application has no ${word}, so no call can work. Make one now.`
        : '',
    rows: several ? keys.map((key) => keyRow(key, base, fixed === '')) : [],
    words: keyWords(mode, keys.length),
    fixed,
    rotateHref: fixed ? '' : `${base}/rotate`,
    rotateLabel: keys.length === 0 ? `Make a ${word}` : `Rotate the ${word}`,
    addHref: several && !fixed && keys.length < keyLimit(mode) ? `${base}/keys/new` : '',
  }
}

export function keyRow({ key_id, made_on, created_at, value }: Key, base: string, retirable: boolean) {
  const day = made_on ?? created_at
  return {
    id: key_id,
    value: value ?? HIDDEN,
    day: day ? dateWords(day) : 'Day not known',
    maker: made_on ? 'made by the portal' : 'made elsewhere',
    retireHref: retirable ? `${base}/keys/${key_id}/retire` : '',
  }
}

function keyWords(mode: Application['credentials']['mode'], count: number): string {
  if (mode === 'app_id') return `${count} of ${keyLimit(mode)} keys. Each works with the application id.`
  return mode === 'oidc'
    ? 'Rotating deletes the old secret before the new one is made.'
    : 'Rotating replaces the key at once.'
}

function planWords(product: Product | undefined, model: Model | undefined): string {
  if (!product || !model) return 'This model is not offered at the moment.'
  if (product.planChangePermission === 'none') return 'The plan is changed by the operator only.'
  return model.plans.length < 2 ? 'There is no other plan for this model.' : ''
}

function sentence(product: Product | undefined, names: readonly ProductRule[]): string {
  return product ? (refusal(names, { product })?.message ?? '') : ''
}

export function deleteView({ application, errors }: { application: Application; errors: Record<string, string> }) {
  return {
    title: `Delete ${application.name}`,
    name: application.name,
    base: `/applications/${application.id}`,
    model: application.model_name || 'its model',
    error: errors.confirm ?? '',
  }
}
