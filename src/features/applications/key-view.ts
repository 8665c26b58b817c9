import type { Product } from '../../clients/threescale/nouns.js'
import { keyLimit } from '../../rules.js'
import { dateWords, number } from '../../web/words.js'
import type { Application, Key, Receipt, ReceiptPath } from './schemas.js'
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

export function retireView({ application, key, last }: { application: Application; key: Key; last: boolean }) {
  const base = `/applications/${application.id}`
  const { day, maker } = keyRow(key, base, false)
  return {
    title: 'Retire a key',
    name: application.name,
    base,
    action: `${base}/keys/${key.key_id}/retire`,
    day,
    maker,
    keyId: key.key_id,
    warning: !last
      ? ''
      : application.credentials.mode === 'oidc'
        ? 'This is the only secret: without it no new tokens can be got.'
        : 'This is the only key: without any, the gateway takes the application id with whatever key is sent.',
  }
}

/** What was seen of the old key. A sample is told as a sample: never that the key is gone everywhere. */
export function receiptView({
  id,
  name,
  mode,
  deed,
  receipt,
}: {
  id: number
  name: string
  mode: Mode
  deed: 'rotated' | 'retired'
  receipt: Receipt | null
}) {
  const { word, asked } = asking[mode === 'oidc' ? 'oidc' : 'keys']
  const paths = receipt?.paths ?? []
  return {
    title: deed === 'rotated' ? `The ${word} is replaced` : `The ${word} is retired`,
    name,
    base: `/applications/${id}`,
    rotated: deed === 'rotated',
    word,
    heading: `What the ${asked} said`,
    summary: summaryOf(receipt, word, asked),
    kind: paths.length > 0 && paths.every(({ refused }) => refused) ? 'success' : 'warning',
    at: receipt ? `${dateWords(receipt.at)}, ${receipt.at.slice(11, 16)} UTC` : '',
    rows: paths.map((path) => ({
      path: `${path.method} ${path.path}`,
      asked: path.asked === path.path ? '' : path.asked,
      calls: number(path.calls),
      through: number(path.let_through),
      seconds: secondsWords(path.seconds),
      ...resultOf(path),
    })),
    notProbed: (receipt?.not_probed ?? []).map(({ method, path, why }) => ({ path: `${method} ${path}`, why })),
    note: receipt?.note ?? '',
  }
}

/** Who is asked with what was taken out of use. */
const asking = {
  keys: { word: 'key', asked: 'gateway' },
  oidc: { word: 'secret', asked: 'sign-in service' },
}

function resultOf({ refused, refused_in_a_row: row, let_through: through }: ReceiptPath) {
  if (refused) return { result: `Refused ${row} times running`, color: 'green' }
  return { result: through > 0 ? 'Still let through' : 'No clear answer', color: 'orange' }
}

function summaryOf(receipt: Receipt | null, word: string, asked: string): string {
  if (!receipt) return `The old ${word} is not known here any more, so the ${asked} was not asked about it.`
  const { paths, seconds } = receipt
  if (paths.length === 0) return `No path could be asked with the old ${word} without running the model.`
  const open = paths.filter(({ refused, let_through: through }) => !refused && through > 0).length
  const unclear = paths.filter(({ refused }) => !refused).length - open
  const on = paths.length === 1 ? 'the one path' : `all ${paths.length} paths`
  if (open === 0 && unclear === 0)
    return `The old ${word} was refused five times running on ${on} that could be asked, within ${secondsWords(seconds)}.`
  if (open === 0)
    return `The ${asked} gave no clear answer on ${unclear} of ${paths.length} paths within ${secondsWords(seconds)}, so whether the old ${word} is refused there is not known.`
  return `The old ${word} was still let through on ${open} of ${paths.length} paths after ${secondsWords(seconds)}. The ${asked} may need some minutes; try it yourself then, and tell the operator if it stays.`
}

function secondsWords(seconds: number): string {
  return seconds < 1 ? 'less than a second' : `${seconds.toFixed(1)} seconds`
}
