import { quotedUnicode } from '../../languages/escape.js'
import {
  argumentsOf,
  callLines,
  credentialOf,
  dictionary,
  instructionLines,
  literal,
  modelOf,
  pythonClient,
  queryOf,
  SILENCE,
} from '../../languages/python.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

export const pythonOpenai: SnippetClient = {
  ...pythonClient,
  client: 'python-openai',
  label: 'openai',
  note: remarks.requires('pip install openai'),
  limits: { encodesQuery: true, alternatives: ['python-requests'] },
  render: (context) => {
    const { imports, before } = credentialOf(context.transport)
    const more = context.caFile ? ', DefaultHttpxClient' : ''
    return [
      'import os',
      ...imports,
      ...(context.call.upload ? ['import io, wave'] : []),
      `from openai import OpenAI${more}`,
      '',
      ...before,
      ...clientLines(context),
      ...modelIdLines(context),
      ...callOf(context),
    ].join('\n')
  },
}

/** `client = OpenAI(…)`, with which other Python clients query the id too. */
export function clientLines(context: SnippetContext): string[] {
  const { apiKey, headers } = credentialOf(context.transport)
  const query = queryOf(context)
  return callLines('client = OpenAI', [
    `base_url=${quotedUnicode(context.call.base)}`,
    `api_key=${apiKey}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    ...(query.length > 0 ? [`default_query=${dictionary(query)}`] : []),
    ...(context.caFile ? [`http_client=DefaultHttpxClient(verify=${quotedUnicode(context.caFile)})`] : []),
  ])
}

export function modelIdLines(context: SnippetContext): string[] {
  const { queriesModelId, listUrl, call } = context
  if (!queriesModelId) return instructionLines(context)
  const usual = listUrl === `${call.base}/models`
  return [
    ...instructionLines(context),
    `# ${comments.modelIdQueried}`,
    usual
      ? 'model = client.models.list().data[0].id'
      : `model = client.get(${quotedUnicode(listUrl)}, cast_to=object)["data"][0]["id"]`,
  ]
}

function callOf(context: SnippetContext): string[] {
  const { call, model } = context
  const sdk = call.sdk
  if (!sdk) return otherCall(context)
  const id = `model=${modelOf(context)}`
  if (call.upload) {
    const file = 'file=("recording.wav", recording.getvalue())'
    return [...SILENCE, ...callLines(`answer = client.${sdk}`, [id, file]), 'print(answer.text)']
  }
  const lines = callLines(`answer = client.${sdk}`, [id, ...argumentsOf({ ...call.body, ...call.sdkBody })])
  if (call.body?.stream === true) return [...lines, ...streamLines]
  return [...lines, ...printLines[model.type]]
}

const streamLines = [
  'for chunk in answer:',
  '    for choice in chunk.choices:',
  '        print(choice.delta.content or "", end="", flush=True)',
  'print()',
]

/** Prints the relevant part of each response. */
const printLines: Record<SnippetContext['model']['type'], string[]> = {
  chat: ['print(answer.choices[0].message.content)'],
  completion: ['print(answer.choices[0].text)'],
  embedding: ['print(len(answer.data), "vectors of", len(answer.data[0].embedding))'],
  image: ['image = answer.data[0]', 'print(image.url or str(len(image.b64_json)) + " characters of base64")'],
  text_to_speech: ['answer.write_to_file("speech.wav")', 'print("speech.wav is written")'],
  speech_to_text: ['print(answer.text)'],
  rerank: ['print(answer)'],
  custom: ['print(answer)'],
}

/** The client has no method for it but posts any body. To an absolute address it adds only its own query. */
function otherCall(context: SnippetContext): string[] {
  const { call, queriesModelId, modelId } = context
  if (call.method === 'GET') return [`print(client.get(${quotedUnicode(call.address)}, cast_to=object))`]
  const named = queriesModelId || modelId !== undefined
  const body = [
    ...(named ? [`"model": ${modelOf(context)},`] : []),
    ...Object.entries(call.body ?? {}).map(([name, value]) => `${quotedUnicode(name)}: ${literal(value)},`),
  ]
  return [
    'answer = client.post(',
    `    ${quotedUnicode(call.address)},`,
    '    body={',
    ...body.map((line) => `        ${line}`),
    '    },',
    '    cast_to=object,',
    ')',
    'print(answer)',
  ]
}
