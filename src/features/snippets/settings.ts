import { type Carrier, TOKEN_URL } from './carriers.js'
import { comment } from './languages/escape.js'
import * as js from './languages/javascript.js'
import * as py from './languages/python.js'
import { tokenCommand } from './languages/shell.js'
import type { Scene } from './scene.js'

export interface Setting {
  name: string
  /** undefined: the credential, which is not shown */
  value: string | undefined
  /** the variable that holds it everywhere else */
  from?: string
}

/**
 * What an environment needs: OpenAI's own variables where they can carry the credential, else ours. Shared by `.env` and
 * the Kubernetes Secret.
 */
export function settingsOf({ call, carrier, modelId, inline }: Scene): Setting[] {
  const plain = carrier.kind === 'bearer'
  const secrets = carrier.variables.map(({ name, value }) => ({
    name: plain ? 'OPENAI_API_KEY' : name,
    value: inline ? value : undefined,
    from: name,
  }))
  const known = carrier.kind === 'token' && carrier.tokenUrl !== undefined
  return [
    { name: isPlain(carrier) ? 'OPENAI_BASE_URL' : 'MAAS_BASE_URL', value: call.base },
    ...secrets,
    ...(known ? [{ name: TOKEN_URL, value: carrier.tokenUrl }] : []),
    ...(modelId === undefined ? [] : [{ name: 'MAAS_MODEL', value: modelId }]),
  ]
}

/** The lines of code that use our own variables; none where OpenAI's do it by themselves. */
export function useLines(scene: Scene): string[] {
  const { carrier, call } = scene
  const command = tokenCommand({ ...carrier, tokenUrl: undefined })
  const token = `Shell, before each start, because a token ends after minutes: export OPENAI_API_KEY=${command}`
  return [
    ...(carrier.kind === 'token' ? [token] : []),
    ...(isPlain(carrier) && call.query.length === 0 ? [] : [pythonLine(scene), jsLine(scene)].map(comment)),
  ]
}

function pythonLine(scene: Scene): string {
  const { carrier } = scene
  const { headers } = py.credentialOf(carrier)
  const query = py.queryOf(scene)
  const sent =
    carrier.kind === 'basic'
      ? [basicOf(carrier, py.read, (pair) => `base64.b64encode((${pair}).encode()).decode()`)]
      : headers
  const options = [
    ...(isPlain(carrier) ? [] : [`base_url=${py.read('MAAS_BASE_URL')}`, 'api_key="unused"']),
    ...(query.length > 0 ? [`default_query=${py.dictionary(query)}`] : []),
    ...(sent.length > 0 ? [`default_headers=${py.dictionary(sent)}`] : []),
  ]
  return `Python: OpenAI(${options.join(', ')})`
}

function jsLine(scene: Scene): string {
  const { carrier } = scene
  const { headers } = js.credentialOf(carrier)
  const query = js.queryOf(scene)
  const sent = carrier.kind === 'basic' ? [basicOf(carrier, js.read, (pair) => `btoa(${pair})`)] : headers
  const options = [
    ...(isPlain(carrier) ? [] : [`baseURL: ${js.read('MAAS_BASE_URL')}`, 'apiKey: "unused"']),
    ...(query.length > 0 ? [`defaultQuery: ${js.object(query)}`] : []),
    ...(sent.length > 0 ? [`defaultHeaders: ${js.object(sent)}`] : []),
  ]
  return `JavaScript: new OpenAI({ ${options.join(', ')} })`
}

/** OpenAI's own variables hold address and key. */
function isPlain({ kind }: Carrier): boolean {
  return kind === 'bearer' || kind === 'token'
}

function basicOf(
  { pairs }: Carrier,
  read: (variable: string) => string,
  encode: (pair: string) => string,
): [string, string] {
  return ['Authorization', `"Basic " + ${encode(pairs.map(([, variable]) => read(variable)).join(' + ":" + '))}`]
}
