import type { Product } from '../../clients/threescale/nouns.js'
import { keyLimit } from '../../rules.js'
import type { Application, Key } from './schemas.js'
import { keyRow } from './view.js'

interface Form {
  attempt: string
  value: string
  errors: Record<string, string>
}

type Mode = Application['credentials']['mode']

const rotations: Record<Mode, { lead: string; button: string; after: string }> = {
  user_key: {
    lead: 'The new key replaces the old one at once. Whatever uses the old key stops working until it has the new one.',
    button: 'Replace the key now',
    after: 'Then show the new key on the page of the application, and put it wherever the old one is.',
  },
  app_id: {
    lead: 'The new key comes first. It works beside the old one until you retire the old one, so nothing stops in between.',
    button: 'Make a new key',
    after: '',
  },
  oidc: {
    lead: 'There can be one secret, so the old one is deleted before the new one is made. Until your code has the new one it gets no new tokens; tokens it has already go on working until they expire.',
    button: 'Replace the secret now',
    after:
      'If this is cut off, the application has no secret for a while: open this page again and press the button once more.',
  },
}

export function rotateView(i: {
  application: Application
  product: Product | undefined
  keys: Key[]
  form: Form
  second: string
}) {
  const { application, keys } = i
  const { mode } = application.credentials
  const base = `/applications/${application.id}`
  const full = mode === 'app_id' && keys.length >= keyLimit(mode)
  const word = mode === 'oidc' ? 'secret' : 'key'
  return {
    title: `Rotate the ${word} of ${application.name}`,
    name: application.name,
    base,
    ...rotations[mode],
    button: keys.length === 0 ? `Make a ${word}` : rotations[mode].button,
    steps: mode === 'app_id',
    full: full
      ? `There are ${keyLimit(mode)} keys, and no more can be kept. Retire one below, then come back to this step.`
      : '',
    rows: keys.map((key) => keyRow(key, base, keys.length > 1)),
    ...formView(i.form, i.product),
    secondShown: mode === 'user_key',
    secondHref: i.second ? '' : secondHref(application),
    secondFixed: i.second,
  }
}

/** The form of a second application for the same model and plan, which takes over from this one. */
function secondHref({ id, model, plan }: Application): string {
  return `/applications/new?${new URLSearchParams({ model, ...(plan ? { plan } : {}), from: String(id) })}`
}

export function newKeyView(i: { application: Application; product: Product | undefined; form: Form }) {
  return {
    title: `Add a key to ${i.application.name}`,
    name: i.application.name,
    base: `/applications/${i.application.id}`,
    ...formView(i.form, i.product),
  }
}

function formView({ attempt, value, errors }: Form, product: Product | undefined) {
  return {
    attempt,
    value,
    valueError: errors.value ?? errors.user_key ?? errors.base ?? '',
    custom: product?.customKeysEnabled !== false,
    customOpen: value !== '' || errors.value !== undefined,
  }
}

/** How fast it takes effect. */
const afterWords: Record<Mode, string> = {
  user_key: 'The gateway refuses the key within seconds.',
  app_id: 'The gateway may accept the key for about a minute. It is then checked, and a receipt shows the result.',
  oidc: 'Access tokens that were issued for it remain valid until they expire. A receipt shows that it is refused.',
}

export function retireView({ application, key, last }: { application: Application; key: Key; last: boolean }) {
  const base = `/applications/${application.id}`
  const { day, maker } = keyRow(key, base, false)
  return {
    title: application.credentials.mode === 'oidc' ? 'Retire the secret' : 'Retire a key',
    name: application.name,
    base,
    action: `${base}/keys/${key.key_id}/retire`,
    day,
    maker,
    keyId: key.key_id,
    word: application.credentials.mode === 'oidc' ? 'secret' : 'key',
    warning: last ? 'This is the only secret. Without it, the application cannot obtain new access tokens.' : '',
    after: afterWords[application.credentials.mode],
  }
}
