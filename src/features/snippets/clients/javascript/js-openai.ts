import { quoted } from '../../languages/escape.js'
import {
  caLine,
  credentialOf,
  fieldLines,
  instructionLines,
  javascriptClient,
  modelField,
  object,
  queryOf,
  retryOption,
  SILENCE,
} from '../../languages/javascript.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

export const jsOpenai: SnippetClient = {
  ...javascriptClient,
  client: 'js-openai',
  label: 'openai',
  note: `${remarks.nodePackages('openai')}. ${remarks.browser}`,
  limits: { encodesQuery: true, alternatives: ['js-fetch'] },
  render(context) {
    const { call, transport } = context
    return [
      `import OpenAI${call.upload ? ', { toFile }' : ''} from "openai";`,
      ...(call.file ? ['import { writeFile } from "node:fs/promises";'] : []),
      '',
      ...caLine(context),
      ...credentialOf(transport).before,
      ...clientLines(context),
      ...modelIdLines(context),
      ...callOf(context),
    ].join('\n')
  },
}

export function clientLines(context: SnippetContext): string[] {
  const { apiKey, headers } = credentialOf(context.transport)
  const query = queryOf(context)
  return [
    'const client = new OpenAI({',
    `  baseURL: ${quoted(context.call.base)},`,
    `  apiKey: ${apiKey},`,
    ...(headers.length > 0 ? [`  defaultHeaders: ${object(headers)},`] : []),
    ...(query.length > 0 ? [`  defaultQuery: ${object(query)},`] : []),
    ...retryOption(context),
    '});',
  ]
}

export function modelIdLines(context: SnippetContext): string[] {
  const { queriesModelId, listUrl, call } = context
  if (!queriesModelId) return instructionLines(context)
  const usual = listUrl === `${call.base}/models`
  const list = usual ? 'client.models.list()' : `client.get(${quoted(listUrl)})`
  return [...instructionLines(context), `// ${comments.modelIdQueried}`, `const model = (await ${list}).data[0].id;`]
}

function callOf(context: SnippetContext): string[] {
  const { call, model } = context
  if (!call.sdk) return otherCall(context)
  if (call.upload) {
    return [
      ...SILENCE,
      `const answer = await client.${call.sdk}({`,
      modelField(context),
      '  file: await toFile(sound, "recording.wav"),',
      '});',
      'console.log(answer.text);',
    ]
  }
  return [
    `const answer = await client.${call.sdk}({`,
    modelField(context),
    ...fieldLines({ ...call.body, ...call.sdkBody }),
    '});',
    ...(call.body?.stream === true ? streamLines : printLines[model.type]),
  ]
}

const streamLines = [
  'for await (const chunk of answer) {',
  '  for (const choice of chunk.choices) process.stdout.write(choice.delta.content ?? "");',
  '}',
  'console.log();',
]

/** Prints the relevant part of each response. */
const printLines: Record<SnippetContext['model']['type'], string[]> = {
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

/** The client has no method for it but posts any body. To an absolute address it adds only its own query. */
function otherCall(context: SnippetContext): string[] {
  const { call, queriesModelId, modelId } = context
  if (call.method === 'GET') return [`console.log(await client.get(${quoted(call.address)}));`]
  return [
    `const answer = await client.post(${quoted(call.address)}, { body: {`,
    ...(queriesModelId || modelId !== undefined ? [modelField(context)] : []),
    ...fieldLines(call.body ?? {}),
    '} });',
    'console.log(answer);',
  ]
}
