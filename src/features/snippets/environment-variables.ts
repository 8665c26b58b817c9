import { type CredentialTransport, TOKEN_URL } from './credential-transport.js'
import { comment } from './languages/escape.js'
import * as js from './languages/javascript.js'
import * as py from './languages/python.js'
import { tokenCommand } from './languages/shell.js'
import { comments } from './messages.js'
import type { SnippetContext } from './snippet-context.js'

export interface VariableSetting {
  name: string
  /** undefined: the credential, which is not revealed */
  value: string | undefined
  /** the variable that contains it for other clients */
  from?: string
}

/**
 * The variables of an environment: OpenAI's own where they can carry the credential, otherwise the portal's. Shared by `.env` and the
 * Kubernetes Secret.
 */
export function variableSettings({ call, transport, modelId, inline }: SnippetContext): VariableSetting[] {
  const plain = transport.kind === 'bearer'
  const secrets = transport.variables.map(({ name, value }) => ({
    name: plain ? 'OPENAI_API_KEY' : name,
    value: inline ? value : undefined,
    from: name,
  }))
  const known = transport.kind === 'token' && transport.tokenUrl !== undefined
  return [
    { name: isPlain(transport) ? 'OPENAI_BASE_URL' : 'MAAS_BASE_URL', value: call.base },
    ...secrets,
    ...(known ? [{ name: TOKEN_URL, value: transport.tokenUrl }] : []),
    ...(modelId === undefined ? [] : [{ name: 'MAAS_MODEL', value: modelId }]),
  ]
}

/** The lines of code that use the portal's variables; none if OpenAI clients read the variables automatically. */
export function usageLines(context: SnippetContext): string[] {
  const { transport, call } = context
  const command = tokenCommand({ ...transport, tokenUrl: undefined })
  const token = comments.token(`export OPENAI_API_KEY=${command}`)
  return [
    ...(transport.kind === 'token' ? [token] : []),
    ...(isPlain(transport) && call.query.length === 0 ? [] : [pythonLine(context), jsLine(context)].map(comment)),
  ]
}

function pythonLine(context: SnippetContext): string {
  const { transport } = context
  const { headers } = py.credentialOf(transport)
  const query = py.queryOf(context)
  const sent =
    transport.kind === 'basic'
      ? [basicOf(transport, py.read, (pair) => `base64.b64encode((${pair}).encode()).decode()`)]
      : headers
  const options = [
    ...(isPlain(transport) ? [] : [`base_url=${py.read('MAAS_BASE_URL')}`, 'api_key="unused"']),
    ...(query.length > 0 ? [`default_query=${py.dictionary(query)}`] : []),
    ...(sent.length > 0 ? [`default_headers=${py.dictionary(sent)}`] : []),
  ]
  return `Python: OpenAI(${options.join(', ')})`
}

function jsLine(context: SnippetContext): string {
  const { transport } = context
  const { headers } = js.credentialOf(transport)
  const query = js.queryOf(context)
  const sent = transport.kind === 'basic' ? [basicOf(transport, js.read, (pair) => `btoa(${pair})`)] : headers
  const options = [
    ...(isPlain(transport) ? [] : [`baseURL: ${js.read('MAAS_BASE_URL')}`, 'apiKey: "unused"']),
    ...(query.length > 0 ? [`defaultQuery: ${js.object(query)}`] : []),
    ...(sent.length > 0 ? [`defaultHeaders: ${js.object(sent)}`] : []),
  ]
  return `JavaScript: new OpenAI({ ${options.join(', ')} })`
}

/** Whether OpenAI's own variables can hold address and key. */
function isPlain({ kind }: CredentialTransport): boolean {
  return kind === 'bearer' || kind === 'token'
}

function basicOf(
  { pairs }: CredentialTransport,
  read: (variable: string) => string,
  encode: (pair: string) => string,
): [string, string] {
  return ['Authorization', `"Basic " + ${encode(pairs.map(([, variable]) => read(variable)).join(' + ":" + '))}`]
}
