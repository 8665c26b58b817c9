import type { CredentialTransport } from '../../credential-transport.js'
import { asciiComment, asciiJson } from '../../languages/escape.js'
import { remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

/** Escaped in JSON: all but its own characters and those that neither cmd nor the C runtime of a program interprets. */
const special = /[^\w .,:;=*/?@#~'+[\]{}$"\\-]/g

/**
 * Windows' own curl for cmd. Text of other people is escaped in JSON, or is text that `interpreters.ts` accepts, in quotes. A variable
 * is replaced before the line is parsed, so its value must not contain a quotation mark.
 */
export const cmd: SnippetClient = {
  client: 'cmd',
  group: 'Shell',
  label: 'cmd (curl)',
  language: 'dos',
  note: ({ call }) => [remarks.cmd, ...(call.upload ? [remarks.cmdUpload] : [])].join(' '),
  // cmd reads up to 8,191 characters, including variables.
  limits: { cannotSend: ['token'], queriesModelId: false, maxLength: 7500, alternatives: ['powershell'] },
  interpreters: ['templates', 'cmd', 'json'],
  variableLines: ({ variables }) => variables.map(({ name, value }) => `set "${name}=${value ?? ''}"`),
  render(context) {
    const { call, caFile, instructions } = context
    const words = [
      `curl.exe -sS --fail-with-body ${addressArgument(context)}`,
      ...(caFile ? [`--cacert "${caFile}"`] : []),
      ...credentialArguments(context.transport),
      ...bodyArguments(context),
      ...(call.file ? [`-o ${call.file}`] : []),
    ]
    return [
      // The encoding of the response.
      'chcp 65001 >nul',
      ...instructions.map((gap) => `rem ${asciiComment(gap)}`),
      words.join(' ^\n  '),
    ].join('\n')
  },
}

function addressArgument({ call: { url }, transport: { kind, pairs } }: SnippetContext): string {
  const query = pairs.map(([name, variable]) => `${encodeURIComponent(name)}=%${variable}%`).join('&')
  const whole = kind === 'query' ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url
  return `${/[[\]{}]/.test(url) ? '--globoff ' : ''}"${whole}"`
}

function credentialArguments({ kind, pairs }: CredentialTransport): string[] {
  const values = pairs.map(([, variable]) => `%${variable}%`)
  if (kind === 'bearer') return [`-H "Authorization: Bearer ${values[0]}"`]
  if (kind === 'basic') return [`-u "${values.join(':')}"`]
  return kind === 'headers' ? pairs.map(([name, variable]) => `-H "${name}: %${variable}%"`) : []
}

function bodyArguments({ call, modelId }: SnippetContext): string[] {
  if (call.upload)
    return ['-F file=@recording.wav', ...(modelId === undefined ? [] : [`--form-string "model=${modelId}"`])]
  if (!call.body) return []
  const json = asciiJson(modelId === undefined ? call.body : { model: modelId, ...call.body }, { special })
  return [
    ...(call.body.stream === true ? ['-N'] : []),
    '-H "Content-Type: application/json"',
    `-d "${json.replaceAll('"', '\\"')}"`,
  ]
}
