import { quotedWide } from '../languages/escape.js'
import {
  argumentsOf,
  callLines,
  credentialOf,
  dictionary,
  gapLines,
  literal,
  modelOf,
  queryOf,
  SILENCE,
} from '../languages/python.js'
import { ASKED, type Client, type Scene } from '../scene.js'

export const pythonOpenai: Client = {
  client: 'python-openai',
  group: 'Python',
  label: 'openai',
  language: 'python',
  note: 'Needs: pip install openai',
  limits: { encodesQuery: true, nearest: ['python-requests'] },
  readers: ['templates', 'bash', 'python'],
  inShell: (code) => `python3 - <<'PY'\n${code}\nPY`,
  write: (scene) => {
    const { imports, before } = credentialOf(scene.carrier)
    const more = scene.caFile ? ', DefaultHttpxClient' : ''
    return [
      'import os',
      ...imports,
      ...(scene.call.upload ? ['import io, wave'] : []),
      `from openai import OpenAI${more}`,
      '',
      ...before,
      ...clientLines(scene),
      ...askLines(scene),
      ...callOf(scene),
    ].join('\n')
  },
}

/** `client = OpenAI(…)`, which other Python clients use too to ask for the id. */
export function clientLines(scene: Scene): string[] {
  const { apiKey, headers } = credentialOf(scene.carrier)
  const query = queryOf(scene)
  return callLines('client = OpenAI', [
    `base_url=${quotedWide(scene.call.base)}`,
    `api_key=${apiKey}`,
    ...(headers.length > 0 ? [`default_headers=${dictionary(headers)}`] : []),
    ...(query.length > 0 ? [`default_query=${dictionary(query)}`] : []),
    ...(scene.caFile ? [`http_client=DefaultHttpxClient(verify=${quotedWide(scene.caFile)})`] : []),
  ])
}

export function askLines(scene: Scene): string[] {
  const { asks, listUrl, call } = scene
  if (!asks) return gapLines(scene)
  const usual = listUrl === `${call.base}/models`
  return [
    ...gapLines(scene),
    `# ${ASKED}`,
    usual
      ? 'model = client.models.list().data[0].id'
      : `model = client.get(${quotedWide(listUrl)}, cast_to=object)["data"][0]["id"]`,
  ]
}

function callOf(scene: Scene): string[] {
  const { call, model } = scene
  const sdk = call.sdk
  if (!sdk) return otherCall(scene)
  const id = `model=${modelOf(scene)}`
  if (call.upload) {
    const file = 'file=("recording.wav", recording.getvalue())'
    return [...SILENCE, ...callLines(`answer = client.${sdk}`, [id, file]), 'print(answer.text)']
  }
  const asked = callLines(`answer = client.${sdk}`, [id, ...argumentsOf({ ...call.body, ...call.sdkBody })])
  if (call.body?.stream === true) return [...asked, ...streamLines]
  return [...asked, ...shown[model.type]]
}

const streamLines = [
  'for chunk in answer:',
  '    for choice in chunk.choices:',
  '        print(choice.delta.content or "", end="", flush=True)',
  'print()',
]

/** What is worth seeing of each answer. */
const shown: Record<Scene['model']['type'], string[]> = {
  chat: ['print(answer.choices[0].message.content)'],
  completion: ['print(answer.choices[0].text)'],
  embedding: ['print(len(answer.data), "vectors of", len(answer.data[0].embedding))'],
  image: ['image = answer.data[0]', 'print(image.url or str(len(image.b64_json)) + " characters of base64")'],
  text_to_speech: ['answer.write_to_file("speech.wav")', 'print("speech.wav is written")'],
  speech_to_text: ['print(answer.text)'],
  rerank: ['print(answer)'],
  custom: ['print(answer)'],
}

/** The client has no method for it, but posts any body. To an address in full it adds its own query alone. */
function otherCall(scene: Scene): string[] {
  const { call, asks, modelId } = scene
  if (call.method === 'GET') return [`print(client.get(${quotedWide(call.address)}, cast_to=object))`]
  const named = asks || modelId !== undefined
  const body = [
    ...(named ? [`"model": ${modelOf(scene)},`] : []),
    ...Object.entries(call.body ?? {}).map(([name, value]) => `${quotedWide(name)}: ${literal(value)},`),
  ]
  return [
    'answer = client.post(',
    `    ${quotedWide(call.address)},`,
    '    body={',
    ...body.map((line) => `        ${line}`),
    '    },',
    '    cast_to=object,',
    ')',
    'print(answer)',
  ]
}
