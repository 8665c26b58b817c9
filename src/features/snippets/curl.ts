import type { Model } from '../models/schemas.js'
import { callOf, modelListPath, needsModelId } from './calls.js'
import type { Carrier } from './carriers.js'
import { shell } from './escape.js'

/** A quarter of a second of silence, so that a recording is at hand. */
const SILENCE =
  "{ printf 'RIFF\\304\\017\\000\\000WAVEfmt \\020\\000\\000\\000\\001\\000\\001\\000\\100\\037\\000\\000\\200\\076\\000\\000\\002\\000\\020\\000data\\240\\017\\000\\000'; head -c 4000 /dev/zero; } > recording.wav"

export function curl(model: Model, carrier: Carrier, caFile: string | undefined): string {
  const call = callOf(model)
  const asks = needsModelId(model) && model.model_id === null
  const base = ['curl -sS --fail-with-body', ...(caFile ? [`--cacert ${shell(caFile)}`] : []), ...carrier.curl]
  const list = modelListPath(model)
  const lines = [...carrier.shellBefore]
  if (asks) {
    lines.push('# The id of this model is not known to the portal, so the model server is asked for it first.')
    const address = `"${doubleQuoted(model.endpoint + (list ?? '/v1/models'))}${carrier.shellQuery}"`
    lines.push(`MODEL=$(${[...base, address].join(' ')} | sed 's/.*"id" *: *"\\([^"]*\\)".*/\\1/')`)
  }
  const address = `"${doubleQuoted(model.endpoint + call.path)}${carrier.shellQuery}"`
  const parts = [`${base[0]} ${address}`, ...base.slice(1)]
  if (call.upload) {
    lines.push(SILENCE)
    parts.push('-F file=@recording.wav', asks ? '-F "model=$MODEL"' : `-F ${shell(`model=${model.model_id}`)}`)
  } else if (call.body) {
    parts.push(
      '-H "Content-Type: application/json"',
      `-d ${jsonArgument(call.body, needsModelId(model), model.model_id)}`,
    )
  }
  if (call.file) parts.push(`-o ${call.file}`)
  return [...lines, parts.join(' \\\n  ')].join('\n')
}

function jsonArgument(body: Record<string, unknown>, named: boolean, modelId: string | null): string {
  if (!named) return shell(JSON.stringify(body))
  if (modelId !== null) return shell(JSON.stringify({ model: modelId, ...body }))
  const rest = JSON.stringify(body)
  return `'{"model":"'"$MODEL"'",'${shell(rest.slice(1))}`.replace(/,'''}'$/, "'}'")
}

function doubleQuoted(text: string): string {
  return text.replace(/[\\"$`]/g, (character) => `\\${character}`)
}
