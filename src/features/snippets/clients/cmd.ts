import type { Carrier } from '../carriers.js'
import { asciiJson, asciiRemark } from '../languages/escape.js'
import type { Client, Scene } from '../scene.js'

/** What is escaped in JSON: all but its own signs and those that neither cmd nor the C runtime of a program interprets. */
const special = /[^\w .,:;=*/?@#~'+[\]{}$"\\-]/g

/**
 * Windows' own curl for cmd. Foreign text is JSON, where everything else is escaped, or what `readers.ts` accepts, in quotes. A
 * variable is replaced before the line is read, so its value must not hold a quotation mark.
 */
export const cmd: Client = {
  client: 'cmd',
  group: 'Shell',
  label: 'cmd (curl)',
  language: 'dos',
  note: ({ call }) =>
    [
      'Runs at the prompt and in a batch file.',
      ...(call.upload ? ['Put your recording into recording.wav first.'] : []),
    ].join(' '),
  // cmd reads 8,191 characters, variables included
  limits: { cannotSend: ['token'], asks: false, longest: 7500, nearest: ['powershell'] },
  readers: ['templates', 'cmd', 'json'],
  inShell: (code) => code,
  exports: ({ variables }) => variables.map(({ name, value }) => `set "${name}=${value ?? ''}"`),
  write(scene) {
    const { call, caFile, gaps } = scene
    const words = [
      `curl.exe -sS --fail-with-body ${addressWord(scene)}`,
      ...(caFile ? [`--cacert "${caFile}"`] : []),
      ...credentialWords(scene.carrier),
      ...bodyWords(scene),
      ...(call.file ? [`-o ${call.file}`] : []),
    ]
    return [
      // what the answer is written in
      'chcp 65001 >nul',
      ...gaps.map((gap) => `rem ${asciiRemark(gap)}`),
      words.join(' ^\n  '),
    ].join('\n')
  },
}

function addressWord({ call: { url }, carrier: { kind, pairs } }: Scene): string {
  const query = pairs.map(([name, variable]) => `${encodeURIComponent(name)}=%${variable}%`).join('&')
  const whole = kind === 'query' ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url
  return `${/[[\]{}]/.test(url) ? '--globoff ' : ''}"${whole}"`
}

function credentialWords({ kind, pairs }: Carrier): string[] {
  const values = pairs.map(([, variable]) => `%${variable}%`)
  if (kind === 'bearer') return [`-H "Authorization: Bearer ${values[0]}"`]
  if (kind === 'basic') return [`-u "${values.join(':')}"`]
  return kind === 'headers' ? pairs.map(([name, variable]) => `-H "${name}: %${variable}%"`) : []
}

function bodyWords({ call, modelId }: Scene): string[] {
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
