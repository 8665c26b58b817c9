import type { Model } from '../models/schemas.js'
import { type Call, callOf, needsModelId } from './calls.js'
import type { Carrier } from './carriers.js'
import { quoted } from './escape.js'

export function pythonOpenai(model: Model, carrier: Carrier, caFile: string | undefined): string {
  const call = callOf(model)
  const options = [`base_url=${quoted(model.base_url)}`, `api_key=${carrier.python.apiKey}`]
  if (carrier.python.headers.length > 0) options.push(`default_headers=${dictionary(carrier.python.headers)}`)
  if (carrier.python.query.length > 0) options.push(`default_query=${dictionary(carrier.python.query)}`)
  if (caFile) options.push(`http_client=httpx.Client(verify=${quoted(caFile)})`)
  const asks = needsModelId(model) && model.model_id === null
  return [
    'import os',
    ...carrier.python.before.filter((line) => line.startsWith('import ')),
    ...(caFile ? ['import httpx'] : []),
    'from openai import OpenAI',
    '',
    ...carrier.python.before.filter((line) => !line.startsWith('import ')),
    `client = OpenAI(${options.join(', ')})`,
    ...(asks
      ? [
          '# The id of this model is not known to the portal, so the model server is asked for it first.',
          'model = client.models.list().data[0].id',
        ]
      : []),
    ...use(model, call, asks ? 'model' : quoted(model.model_id ?? '')),
  ].join('\n')
}

function use(model: Model, call: Call, id: string): string[] {
  switch (model.type) {
    case 'chat':
      return [
        `answer = client.chat.completions.create(model=${id}, messages=${python(call.body?.messages)})`,
        'print(answer.choices[0].message.content)',
      ]
    case 'completion':
      return [
        `answer = client.completions.create(model=${id}, prompt=${python(call.body?.prompt)}, max_tokens=15)`,
        'print(answer.choices[0].text)',
      ]
    case 'embedding':
      return [
        `answer = client.embeddings.create(model=${id}, input=${python(call.body?.input)}, encoding_format="float")`,
        'print(len(answer.data), "vectors of", len(answer.data[0].embedding))',
      ]
    case 'image':
      return [
        `answer = client.images.generate(model=${id}, prompt=${python(call.body?.prompt)}, response_format="b64_json")`,
        'print(len(answer.data[0].b64_json), "characters of PNG")',
      ]
    case 'speech_to_text':
      return [
        'import io, wave',
        'recording = io.BytesIO()',
        'with wave.open(recording, "wb") as sound:',
        '    sound.setparams((1, 2, 8000, 0, "NONE", "NONE"))',
        '    sound.writeframes(bytes(4000))  # a quarter of a second of silence',
        `answer = client.audio.transcriptions.create(model=${id}, file=("recording.wav", recording.getvalue()))`,
        'print(answer.text)',
      ]
    case 'text_to_speech':
      return [
        `answer = client.audio.speech.create(model=${id}, input=${python(call.body?.input)}, voice="alloy", response_format="wav")`,
        'answer.write_to_file("speech.wav")',
        'print("speech.wav is written")',
      ]
    default:
      return other(model, call, id)
  }
}

/** The client has no method for it, but posts any body. An address in full is used as it is. */
function other(model: Model, call: Call, id: string): string[] {
  const body = needsModelId(model) ? `{"model": ${id}, **${python(call.body ?? {})}}` : python(call.body ?? {})
  if (call.method === 'GET') return [`print(client.get(${quoted(model.endpoint + call.path)}, cast_to=object))`]
  return [`print(client.post(${quoted(model.endpoint + call.path)}, body=${body}, cast_to=object))`]
}

function dictionary(pairs: [string, string][]): string {
  return `{${pairs.map(([name, value]) => `${quoted(name)}: ${value}`).join(', ')}}`
}

/** JSON without true, false and null reads the same in Python. */
function python(value: unknown): string {
  return JSON.stringify(value, null, 0).replace(/":/g, '": ').replace(/,"/g, ', "')
}
