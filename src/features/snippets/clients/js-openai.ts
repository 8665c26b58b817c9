import { quoted } from '../languages/escape.js'
import {
  caLine,
  credentialOf,
  fieldLines,
  gapLines,
  modelField,
  object,
  patience,
  queryOf,
  SILENCE,
} from '../languages/javascript.js'
import { ASKED, type Client, type Scene } from '../scene.js'

export const jsOpenai: Client = {
  client: 'js-openai',
  group: 'JavaScript',
  label: 'openai',
  language: 'javascript',
  note: 'Needs Node.js and: npm install openai. In a web page the gateway refuses the headers that this client adds.',
  limits: { encodesQuery: true, nearest: ['js-fetch'] },
  readers: ['templates', 'bash', 'javascript'],
  inShell: (code) => `node --input-type=module - <<'JS'\n${code}\nJS`,
  write(scene) {
    const { call, carrier } = scene
    return [
      `import OpenAI${call.upload ? ', { toFile }' : ''} from "openai";`,
      ...(call.file ? ['import { writeFile } from "node:fs/promises";'] : []),
      '',
      ...caLine(scene),
      ...credentialOf(carrier).before,
      ...clientLines(scene),
      ...askLines(scene),
      ...callOf(scene),
    ].join('\n')
  },
}

export function clientLines(scene: Scene): string[] {
  const { apiKey, headers } = credentialOf(scene.carrier)
  const query = queryOf(scene)
  return [
    'const client = new OpenAI({',
    `  baseURL: ${quoted(scene.call.base)},`,
    `  apiKey: ${apiKey},`,
    ...(headers.length > 0 ? [`  defaultHeaders: ${object(headers)},`] : []),
    ...(query.length > 0 ? [`  defaultQuery: ${object(query)},`] : []),
    ...patience(scene),
    '});',
  ]
}

export function askLines(scene: Scene): string[] {
  const { asks, listUrl, call } = scene
  if (!asks) return gapLines(scene)
  const usual = listUrl === `${call.base}/models`
  const list = usual ? 'client.models.list()' : `client.get(${quoted(listUrl)})`
  return [...gapLines(scene), `// ${ASKED}`, `const model = (await ${list}).data[0].id;`]
}

function callOf(scene: Scene): string[] {
  const { call, model } = scene
  if (!call.sdk) return otherCall(scene)
  if (call.upload) {
    return [
      ...SILENCE,
      `const answer = await client.${call.sdk}({`,
      modelField(scene),
      '  file: await toFile(sound, "recording.wav"),',
      '});',
      'console.log(answer.text);',
    ]
  }
  return [
    `const answer = await client.${call.sdk}({`,
    modelField(scene),
    ...fieldLines({ ...call.body, ...call.sdkBody }),
    '});',
    ...(call.body?.stream === true ? streamLines : shown[model.type]),
  ]
}

const streamLines = [
  'for await (const chunk of answer) {',
  '  for (const choice of chunk.choices) process.stdout.write(choice.delta.content ?? "");',
  '}',
  'console.log();',
]

/** What is worth seeing of each answer. */
const shown: Record<Scene['model']['type'], string[]> = {
  chat: ['console.log(answer.choices[0].message.content);'],
  completion: ['console.log(answer.choices[0].text);'],
  embedding: ['console.log(answer.data.length, "vectors of", answer.data[0].embedding.length);'],
  image: ['const [image] = answer.data;', 'console.log(image.url ?? image.b64_json.length + " characters of base64");'],
  text_to_speech: [
    'await writeFile("speech.wav", Buffer.from(await answer.arrayBuffer()));',
    'console.log("speech.wav is written");',
  ],
  speech_to_text: ['console.log(answer.text);'],
  rerank: ['console.log(answer);'],
  custom: ['console.log(answer);'],
}

/** The client has no method for it, but posts any body. To an address in full it adds its own query alone. */
function otherCall(scene: Scene): string[] {
  const { call, asks, modelId } = scene
  if (call.method === 'GET') return [`console.log(await client.get(${quoted(call.address)}));`]
  return [
    `const answer = await client.post(${quoted(call.address)}, { body: {`,
    ...(asks || modelId !== undefined ? [modelField(scene)] : []),
    ...fieldLines(call.body ?? {}),
    '} });',
    'console.log(answer);',
  ]
}
