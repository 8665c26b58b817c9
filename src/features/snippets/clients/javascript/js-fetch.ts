import type { CredentialTransport } from '../../credential-transport.js'
import { quoted } from '../../languages/escape.js'
import {
  caLine,
  credentialOf,
  fieldLines,
  instructionLines,
  javascriptClient,
  modelField,
  object,
  read,
  SILENCE,
} from '../../languages/javascript.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

export const jsFetch: SnippetClient = {
  ...javascriptClient,
  client: 'js-fetch',
  label: 'fetch',
  note: remarks.node,
  limits: { alternatives: [] },
  render(context) {
    const { call, transport, queriesModelId, listUrl } = context
    const { before } = credentialOf(transport)
    return [
      ...(call.file ? ['import { writeFile } from "node:fs/promises";', ''] : []),
      ...caLine(context),
      ...before,
      ...instructionLines(context),
      ...(queriesModelId
        ? [
            `// ${comments.modelIdQueried}`,
            `const models = await fetch(${[address(listUrl, transport), ...headerOption(transport)].join(', ')});`,
            checkResponse('models'),
            'const model = (await models.json()).data[0].id;',
          ]
        : []),
      ...uploadLines(context),
      `const answer = await fetch(${address(call.url, transport)}, {`,
      ...requestLines(context),
      '});',
      checkResponse('answer'),
      ...printLines(call),
    ].join('\n')
  },
}

/** The key without encoding: URLSearchParams would percent-encode it, and the gateway compares the query undecoded. */
function address(url: string, { kind, pairs }: CredentialTransport): string {
  if (kind !== 'query') return quoted(url)
  return pairs
    .map(([name, variable], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${quoted(`${start}${encodeURIComponent(name)}=`)} + ${read(variable)}`
    })
    .join(' + ')
}

function headersOf(transport: CredentialTransport): [string, string][] {
  const { apiKey, headers } = credentialOf(transport)
  const bearer = transport.kind === 'bearer' || transport.kind === 'token'
  return bearer ? [['Authorization', `"Bearer " + ${apiKey}`]] : headers
}

function headerOption(transport: CredentialTransport): string[] {
  const sent = headersOf(transport)
  return sent.length > 0 ? [`{ headers: ${object(sent)} }`] : []
}

function requestLines(context: SnippetContext): string[] {
  const { call, transport, queriesModelId, modelId } = context
  const sent = headersOf(transport)
  const typed: [string, string][] = call.body && !call.upload ? [['Content-Type', '"application/json"'], ...sent] : sent
  const lines = call.method === 'GET' ? [] : [`  method: "${call.method}",`]
  if (typed.length > 0) lines.push(`  headers: ${object(typed)},`)
  if (call.upload) return [...lines, '  body: form,']
  if (!call.body) return lines
  const fields = [...(queriesModelId || modelId !== undefined ? [modelField(context)] : []), ...fieldLines(call.body)]
  return [...lines, '  body: JSON.stringify({', ...fields.map((field) => `  ${field}`), '  }),']
}

function uploadLines({ call, queriesModelId, modelId }: SnippetContext): string[] {
  if (!call.upload) return []
  const named =
    queriesModelId || modelId !== undefined
      ? [`form.set("model", ${queriesModelId ? 'model' : quoted(modelId ?? '')});`]
      : []
  return [
    ...SILENCE,
    'const form = new FormData();',
    ...named,
    'form.set("file", new Blob([sound], { type: "audio/wav" }), "recording.wav");',
  ]
}

/** The message of the gateway is more useful than the status. */
function checkResponse(name: string): string {
  return `if (!${name}.ok) throw new Error(${name}.status + " " + (await ${name}.text()));`
}

function printLines({ file, body }: SnippetContext['call']): string[] {
  if (file)
    return [
      `await writeFile("${file}", Buffer.from(await answer.arrayBuffer()));`,
      `console.log("${file} is written");`,
    ]
  if (body?.stream === true) return ['for await (const chunk of answer.body) process.stdout.write(chunk);']
  return ['console.log(await answer.text());']
}
