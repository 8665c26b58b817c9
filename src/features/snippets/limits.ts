import { type Carrier, needsRawQuery } from './carriers.js'
import { misreadBy } from './readers.js'
import type { Client, Scene } from './scene.js'

const ways: Record<Carrier['kind'], string> = {
  bearer: 'a Bearer key',
  headers: 'a key in a header of its own',
  query: 'a key in the query',
  basic: 'an application id and key by HTTP Basic',
  token: 'a token that ends after minutes',
}

const things: Record<Scene['model']['type'], string> = {
  chat: 'chat models',
  completion: 'completion models',
  embedding: 'embedding models',
  rerank: 'rerank models',
  image: 'image models',
  speech_to_text: 'speech-to-text models',
  text_to_speech: 'text-to-speech models',
  custom: 'services of their own kind',
}

/** Why a client cannot make this call, in words; undefined where it can. */
export function reasonAgainst(client: Client, scene: Scene): string | undefined {
  const { label, limits, readers } = client
  const { model, call, carrier } = scene
  if (limits.types && !limits.types.includes(model.type)) return `${label} has no use for ${things[model.type]}.`
  if (limits.anyPath === false && !call.usual) return `${label} cannot call the path of this model.`
  if (limits.cannotSend?.includes(carrier.kind)) return `${label} cannot send ${ways[carrier.kind]}.`
  if (limits.encodesQuery && needsRawQuery(carrier))
    return `${label} percent-encodes the query, and the gateway would not know this key again.`
  if (limits.asks === false && scene.asks)
    return `${label} cannot read the id of the model from an answer, and the portal does not know it.`
  const misread = misreadBy(readers, scene)
  if (misread) return `${label} ${misread}.`
  const { longest } = limits
  return longest !== undefined && client.write(scene).length > longest
    ? `${label} takes commands of up to ${longest.toLocaleString('en')} characters, and this one is longer.`
    : undefined
}
