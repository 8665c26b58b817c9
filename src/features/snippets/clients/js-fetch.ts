import type { Carrier } from '../carriers.js'
import { quoted } from '../languages/escape.js'
import {
  caLine,
  credentialOf,
  fieldLines,
  gapLines,
  modelField,
  object,
  read,
  SILENCE,
} from '../languages/javascript.js'
import { ASKED, type Client, type Scene } from '../scene.js'

export const jsFetch: Client = {
  client: 'js-fetch',
  group: 'JavaScript',
  label: 'fetch',
  language: 'javascript',
  note: 'Needs Node.js, nothing else.',
  limits: { nearest: [] },
  readers: ['templates', 'bash', 'javascript'],
  inShell: (code) => `node --input-type=module - <<'JS'\n${code}\nJS`,
  write(scene) {
    const { call, carrier, asks, listUrl } = scene
    const { before } = credentialOf(carrier)
    return [
      ...(call.file ? ['import { writeFile } from "node:fs/promises";', ''] : []),
      ...caLine(scene),
      ...before,
      ...gapLines(scene),
      ...(asks
        ? [
            `// ${ASKED}`,
            `const models = await fetch(${[address(listUrl, carrier), ...headerOption(carrier)].join(', ')});`,
            orStop('models'),
            'const model = (await models.json()).data[0].id;',
          ]
        : []),
      ...uploadLines(scene),
      `const answer = await fetch(${address(call.url, carrier)}, {`,
      ...requestLines(scene),
      '});',
      orStop('answer'),
      ...show(call),
    ].join('\n')
  },
}

/** The key as it is: URLSearchParams would percent-encode it, and the gateway compares the query undecoded. */
function address(url: string, { kind, pairs }: Carrier): string {
  if (kind !== 'query') return quoted(url)
  return pairs
    .map(([name, variable], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${quoted(`${start}${encodeURIComponent(name)}=`)} + ${read(variable)}`
    })
    .join(' + ')
}

function headersOf(carrier: Carrier): [string, string][] {
  const { apiKey, headers } = credentialOf(carrier)
  const bearer = carrier.kind === 'bearer' || carrier.kind === 'token'
  return bearer ? [['Authorization', `"Bearer " + ${apiKey}`]] : headers
}

function headerOption(carrier: Carrier): string[] {
  const sent = headersOf(carrier)
  return sent.length > 0 ? [`{ headers: ${object(sent)} }`] : []
}

function requestLines(scene: Scene): string[] {
  const { call, carrier, asks, modelId } = scene
  const sent = headersOf(carrier)
  const typed: [string, string][] = call.body && !call.upload ? [['Content-Type', '"application/json"'], ...sent] : sent
  const lines = call.method === 'GET' ? [] : [`  method: "${call.method}",`]
  if (typed.length > 0) lines.push(`  headers: ${object(typed)},`)
  if (call.upload) return [...lines, '  body: form,']
  if (!call.body) return lines
  const fields = [...(asks || modelId !== undefined ? [modelField(scene)] : []), ...fieldLines(call.body)]
  return [...lines, '  body: JSON.stringify({', ...fields.map((field) => `  ${field}`), '  }),']
}

function uploadLines({ call, asks, modelId }: Scene): string[] {
  if (!call.upload) return []
  const named = asks || modelId !== undefined ? [`form.set("model", ${asks ? 'model' : quoted(modelId ?? '')});`] : []
  return [
    ...SILENCE,
    'const form = new FormData();',
    ...named,
    'form.set("file", new Blob([sound], { type: "audio/wav" }), "recording.wav");',
  ]
}

/** What the gateway says is worth more than a status. */
function orStop(name: string): string {
  return `if (!${name}.ok) throw new Error(${name}.status + " " + (await ${name}.text()));`
}

function show({ file, body }: Scene['call']): string[] {
  if (file)
    return [
      `await writeFile("${file}", Buffer.from(await answer.arrayBuffer()));`,
      `console.log("${file} is written");`,
    ]
  if (body?.stream === true) return ['for await (const chunk of answer.body) process.stdout.write(chunk);']
  return ['console.log(await answer.text());']
}
