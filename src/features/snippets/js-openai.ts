import type { Model } from '../models/schemas.js'
import { type Call, callOf, needsModelId } from './calls.js'
import type { Carrier } from './carriers.js'
import { quoted } from './escape.js'

export function jsOpenai(model: Model, carrier: Carrier): string {
  const call = callOf(model)
  const asks = needsModelId(model) && model.model_id === null
  const options = [`  baseURL: ${quoted(model.base_url)},`, `  apiKey: ${carrier.js.apiKey},`]
  if (carrier.js.headers.length > 0) options.push(`  defaultHeaders: ${literal(carrier.js.headers)},`)
  if (carrier.js.query.length > 0) options.push(`  defaultQuery: ${literal(carrier.js.query)},`)
  const toFile = model.type === 'speech_to_text'
  return [
    toFile ? 'import OpenAI, { toFile } from "openai";' : 'import OpenAI from "openai";',
    ...(model.type === 'text_to_speech' ? ['import { writeFile } from "node:fs/promises";'] : []),
    '',
    ...carrier.js.before,
    'const client = new OpenAI({',
    ...options,
    '});',
    ...(asks
      ? [
          '// The id of this model is not known to the portal, so the model server is asked for it first.',
          'const model = (await client.models.list()).data[0].id;',
        ]
      : []),
    ...use(model, call, asks ? 'model' : quoted(model.model_id ?? '')),
  ].join('\n')
}

function use(model: Model, call: Call, id: string): string[] {
  const fields = Object.entries(call.body ?? {}).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`)
  const named = id === 'model' ? '  model,' : `  model: ${id},`
  const create = (method: string) => [`const answer = await client.${method}({`, named, ...fields, '});']
  switch (model.type) {
    case 'chat':
      return [...create('chat.completions.create'), 'console.log(answer.choices[0].message.content);']
    case 'completion':
      return [...create('completions.create'), 'console.log(answer.choices[0].text);']
    case 'embedding':
      return [
        ...create('embeddings.create'),
        'console.log(answer.data.length, "vectors of", answer.data[0].embedding.length);',
      ]
    case 'image':
      return [...create('images.generate'), 'console.log(answer.data[0].b64_json.length, "characters of PNG");']
    case 'speech_to_text':
      return [
        '// a quarter of a second of silence',
        'const sound = Buffer.alloc(4044);',
        'sound.write("RIFF", 0); sound.writeUInt32LE(4036, 4); sound.write("WAVEfmt ", 8); sound.writeUInt32LE(16, 16);',
        'sound.writeUInt16LE(1, 20); sound.writeUInt16LE(1, 22); sound.writeUInt32LE(8000, 24); sound.writeUInt32LE(16000, 28);',
        'sound.writeUInt16LE(2, 32); sound.writeUInt16LE(16, 34); sound.write("data", 36); sound.writeUInt32LE(4000, 40);',
        'const file = await toFile(sound, "recording.wav");',
        'const answer = await client.audio.transcriptions.create({',
        named,
        '  file,',
        '});',
        'console.log(answer.text);',
      ]
    case 'text_to_speech':
      return [
        ...create('audio.speech.create'),
        'await writeFile("speech.wav", Buffer.from(await answer.arrayBuffer()));',
        'console.log("speech.wav is written");',
      ]
    default:
      return other(model, call, named, fields)
  }
}

function other(model: Model, call: Call, named: string, fields: string[]): string[] {
  const address = quoted(model.endpoint + call.path)
  if (call.method === 'GET') return [`console.log(await client.get(${address}));`]
  return [
    `const answer = await client.post(${address}, { body: {`,
    ...(needsModelId(model) ? [named] : []),
    ...fields,
    '} });',
    'console.log(answer);',
  ]
}

function literal(pairs: [string, string][]): string {
  return `{ ${pairs.map(([name, value]) => `${quoted(name)}: ${value}`).join(', ')} }`
}
