import { attributeOf, isEditable, isVisible } from '../../../clients/threescale/tenant-rules/built-in-fields.js'
import type { FieldDefinition, Product } from '../../../clients/threescale/types.js'
import type { TestResult } from '../../../model-calls/test-call.js'
import { findViolation, keyLimit, policyMessage } from '../../../policies.js'
import { formatDate } from '../../../web/pages/format.js'
import { codeBlocks } from '../../../web/pages/syntax-highlighting.js'
import { gatewayReadyMessage, limitLabels } from '../../models/messages.js'
import { type Model, playable } from '../../models/schemas.js'
import type { Snippet } from '../../snippets/schemas.js'
import { keyCreationDay } from '../keys/key-format.js'
import { credentialNoun, keyPanel } from '../keys/messages.js'
import { revocationCheckRow } from '../keys/revocation/view.js'
import { keyRow, MASK } from '../keys/view.js'
import { type ProductPolicy, requiredPolicies, rotationPolicies } from '../permissions.js'
import type { Application, Key, RevocationCheck } from '../schemas.js'
import { attributesView } from './field-view.js'
import { deletePage, detailPage, listPage, repairNotice } from './messages.js'
import { repairMessage, stateMessages } from './state-messages.js'

export function applicationView(i: {
  application: Application
  model: Model | undefined
  product: Product | undefined
  definitions: FieldDefinition[]
  keys: Key[]
  revocationChecks: RevocationCheck[]
  snippets: Snippet[]
  revealed: boolean
  hasTraffic: boolean
  /** the application that this one takes over from */
  from?: string | undefined
  test?: TestResult | undefined
  values?: Record<string, string> | undefined
  errors?: Record<string, string> | undefined
}) {
  const { application, model } = i
  const base = `/applications/${application.id}`
  return {
    title: application.name || listPage.unnamed(application.id),
    base,
    ...textsView(i),
    state: application.repair_required ? repairMessage : stateMessages[application.state],
    modelName: application.model_name || detailPage.modelGone,
    modelHref: model ? `/models/${encodeURIComponent(model.system_name)}` : '',
    plan: application.plan_name,
    limits: limitsOf(application, model),
    usageHref: `${base}/usage`,
    firstCallHref: isKeyUsable(i) && !i.hasTraffic ? `${base}/usage.json?range=24h&metric=hits` : '',
    playHref: playgroundHref(application, model),
    created: formatDate(application.created_at),
    baseUrl: application.base_url ?? '',
    modelId: application.model_id ?? '',
    revealed: i.revealed,
    credentials: credentialRows(application, i.revealed),
    credentialNoun: credentialNoun(application.credentials.mode),
    code: codeBlocks(i.snippets),
    codeNote: isKeyUsable(i) ? '' : detailPage.codeNotUsable,
    fromHref: i.from ? `/applications/${i.from}` : '',
    repair: repairView(i),
    testable: model !== undefined && application.state === 'live',
    test: i.test && {
      kind: i.test.ok ? 'success' : 'danger',
      title: i.test.status === undefined ? detailPage.noResponse : detailPage.response(i.test.status, i.test.ms),
      message: i.test.message,
      output: i.test.output,
    },
    changeError: violationMessage(i.product, requiredPolicies.change),
    referrers: i.product ? policyMessage('referrer_filters_required', { product: i.product }) : '',
    keys: keysView(i),
    revocationChecks: i.revocationChecks.map(revocationCheckRow),
    notReady: model ? gatewayReadyMessage(model) : '',
    planNote: planChangeNote(i.product, model),
  }
}

/** Whether the gateway accepts calls with the key, as far as the portal knows. */
function isKeyUsable({ application, keys }: { application: Application; keys: Key[] }): boolean {
  const { state, repair_required, credentials } = application
  return stateMessages[state].isUsable && !repair_required && (credentials.mode === 'user_key' || keys.length > 0)
}

/** The form for name and description. If only the operator can write the description, it is shown as text. */
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
  const attributes = (['name', 'description'] as const).map((one) => attributeOf(definitions, one)).filter(isVisible)
  const editable = attributes.filter(isEditable)
  const readOnly = attributes.find((attribute) => attribute.readOnly)
  const fields = attributesView({
    attributes: editable,
    values: { name, description, ...values },
    errors,
  })
  return {
    textsTitle: editable.length === 1 ? editable[0]?.label : detailPage.details,
    fields,
    readOnlyText: readOnly && description !== '' ? { label: readOnly.label, value: description } : undefined,
  }
}

/** Offered if a change did not reach the gateway, and if a test call shows that the key is rejected. */
function repairView({ application, test }: { application: Application; test?: TestResult | undefined }) {
  if (application.repair_required) return repairNotice.required
  return test?.status === 401 || test?.status === 403 ? repairNotice.suspected : undefined
}

/** The limits of an offered plan. The usage page shows those of other plans. */
function limitsOf({ plan }: Application, model: Model | undefined): string[] {
  const offered = model?.plans.find(({ system_name }) => system_name === plan)
  return offered ? limitLabels(offered) : []
}

function playgroundHref({ id, state }: Application, model: Model | undefined): string {
  return model && state === 'live' && playable.includes(model.type) ? `/playground?application=${id}` : ''
}

/** Ids are not secret. Keys are shown on request only. */
function credentialRows({ credentials }: Application, revealed: boolean) {
  const row = (element: string, label: string, value: string | undefined, missing: string) => ({
    element,
    label,
    value: revealed ? (value ?? missing) : MASK,
    copyLabel: revealed && value ? detailPage.copyLabel(label) : '',
  })
  const secret = (label: string, value: string | undefined) => ({
    ...row('secret', label, value, detailPage.none),
    created: revealed && value ? createdLabel(value) : '',
  })
  const plain = (label: string, value: string | undefined) => ({ ...row('id', label, value, ''), created: '' })
  switch (credentials.mode) {
    case 'user_key':
      return [secret(detailPage.apiKey, credentials.user_key)]
    case 'app_id':
      return [plain(detailPage.applicationId, credentials.app_id)]
    default:
      return [
        plain(detailPage.clientId, credentials.client_id),
        secret(detailPage.clientSecret, credentials.client_secret || undefined),
      ]
  }
}

function createdLabel(key: string): string {
  const day = keyCreationDay(key)
  return day ? detailPage.createdOn(day) : ''
}

/** The panel of keys, with a list if the application can have several. */
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
  const isList = mode === 'app_id'
  const rotationError = violationMessage(product, rotationPolicies[mode])
  return {
    several: isList,
    title: keyPanel.title[mode],
    missing: keys.length === 0 && mode !== 'user_key' ? keyPanel.noCredential(mode) : '',
    rows: isList ? keys.map((key) => keyRow(key, base, rotationError === '')) : [],
    summary: keyPanel.summary(mode, keys.length),
    rotationError,
    rotateHref: rotationError ? '' : `${base}/rotate`,
    rotateLabel: keys.length === 0 ? keyPanel.create(mode) : keyPanel.rotate(mode),
    addHref: isList && !rotationError && keys.length < keyLimit(mode) ? `${base}/keys/new` : '',
  }
}

function planChangeNote(product: Product | undefined, model: Model | undefined): string {
  if (!product || !model) return detailPage.planNotOffered
  if (product.planChangePermission === 'none') return detailPage.planByOperator
  return model.plans.length < 2 ? detailPage.onlyPlan : ''
}

function violationMessage(product: Product | undefined, policies: readonly ProductPolicy[]): string {
  return product ? (findViolation(policies, { product })?.message ?? '') : ''
}

export function deleteView({ application, errors }: { application: Application; errors: Record<string, string> }) {
  return {
    title: deletePage.title(application.name),
    name: application.name,
    base: `/applications/${application.id}`,
    model: application.model_name || deletePage.model,
    error: errors.confirm ?? '',
  }
}
