import type { Product } from '../../../clients/threescale/types.js'
import { keyLimit } from '../../../policies.js'
import type { Application, Key } from '../schemas.js'
import { credentialNoun, keyPage, keyRowLabels, rotationPage } from './messages.js'

interface KeyForm {
  attempt: string
  value: string
  errors: Record<string, string>
}

export const MASK = '••••••••••••••••'

export function rotateView(i: {
  application: Application
  product: Product | undefined
  keys: Key[]
  /** the key that this rotation created, with its value */
  created?: Key | undefined
  form: KeyForm
  /** why the account cannot have a second application; empty if it can */
  secondApplicationError: string
}) {
  const { application, created } = i
  // What is displayed was read up to a minute ago, so the new key may be missing.
  const keys = created ? [...i.keys.filter(({ key_id }) => key_id !== created.key_id), created] : i.keys
  const { mode } = application.credentials
  const base = `/applications/${application.id}`
  const isFull = mode === 'app_id' && keys.length >= keyLimit(mode)
  return {
    title: keyPage.rotateTitle(mode, application.name),
    name: application.name,
    base,
    ...rotationPage[mode],
    button: keys.length === 0 ? keyPage.create(mode) : rotationPage[mode].button,
    steps: mode === 'app_id',
    full: isFull ? keyPage.full : '',
    created: created && { id: created.key_id, value: created.value ?? '' },
    started: keys.length > 1 ? keyPage.started(keys.length) : '',
    rows: newestFirst(keys).map((key, index) => rotationRow(key, base, { count: keys.length, isNewest: index === 0 })),
    ...formView(i.form, i.product),
    secondShown: mode === 'user_key',
    secondHref: i.secondApplicationError ? '' : secondApplicationHref(application),
    secondError: i.secondApplicationError,
  }
}

/** The form for a second application with the same model and plan, which takes over from this one. */
function secondApplicationHref({ id, model, plan }: Application): string {
  return `/applications/new?${new URLSearchParams({ ...(model ? { model } : {}), ...(plan ? { plan } : {}), from: String(id) })}`
}

export function newKeyView(i: { application: Application; product: Product | undefined; form: KeyForm }) {
  return {
    title: keyPage.addTitle(i.application.name),
    name: i.application.name,
    base: `/applications/${i.application.id}`,
    ...formView(i.form, i.product),
  }
}

function formView({ attempt, value, errors }: KeyForm, product: Product | undefined) {
  return {
    attempt,
    value,
    valueError: errors.value ?? errors.user_key ?? errors.base ?? '',
    custom: product?.customKeysEnabled !== false,
    customOpen: value !== '' || errors.value !== undefined,
  }
}

export function revokeView({ application, key, isLast }: { application: Application; key: Key; isLast: boolean }) {
  const base = `/applications/${application.id}`
  const { mode } = application.credentials
  const { created, source } = keyRow(key, base, false)
  return {
    title: keyPage.revokeTitle(mode),
    name: application.name,
    base,
    action: `${base}/keys/${key.key_id}/revoke`,
    created,
    source,
    keyId: key.key_id,
    noun: credentialNoun(mode),
    warning: isLast ? keyPage.onlySecret : '',
    after: keyPage.effect[mode],
  }
}

/** Of keys that were created on one day, 3scale lists the newest one last. */
function newestFirst(keys: Key[]): Key[] {
  const time = ({ created_at, created_on }: Key) => created_at ?? created_on ?? ''
  return keys.toReversed().sort((one, other) => time(other).localeCompare(time(one)))
}

/** The newest key stays; the others can be revoked. */
function rotationRow(key: Key, base: string, { count, isNewest }: { count: number; isNewest: boolean }) {
  const label = count === 1 ? keyRowLabels.current : isNewest ? keyRowLabels.newest : keyRowLabels.previous
  return { ...keyRow(key, base, !isNewest), label, color: isNewest ? 'green' : 'grey' }
}

export function keyRow({ key_id, created_on, created_at, value }: Key, base: string, isRevocable: boolean) {
  return {
    id: key_id,
    value: value ?? MASK,
    created: keyRowLabels.created(created_on ?? created_at, created_at),
    source: created_on ? keyRowLabels.byPortal : keyRowLabels.elsewhere,
    revokeHref: isRevocable ? `${base}/keys/${key_id}/revoke` : '',
  }
}
