import { shell } from '../../languages/escape.js'
import {
  addressArgument,
  bodyArgument,
  curlArguments,
  exportsOf,
  modelIdLines,
  tokenLines,
} from '../../languages/shell.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

/** A quarter of a second of silence as a sample recording. */
const SILENCE =
  "{ printf 'RIFF\\304\\017\\000\\000WAVEfmt \\020\\000\\000\\000\\001\\000\\001\\000\\100\\037\\000\\000\\200\\076\\000\\000\\002\\000\\020\\000data\\240\\017\\000\\000'; head -c 4000 /dev/zero; } > recording.wav"

export const curl: SnippetClient = {
  client: 'curl',
  group: 'Shell',
  label: 'curl (bash)',
  language: 'bash',
  limits: { alternatives: [] },
  interpreters: ['templates', 'bash', 'json'],
  variableLines: exportsOf,
  render(context) {
    const { call, transport } = context
    const [program = '', ...common] = curlArguments(context)
    const parts = [`${program} ${addressArgument(call.url, transport)}`, ...common, ...bodyArguments(context)]
    return [
      ...tokenLines(transport),
      ...modelIdLines(context),
      ...(call.upload ? [SILENCE] : []),
      parts.join(' \\\n  '),
    ].join('\n')
  },
}

function bodyArguments(context: SnippetContext): string[] {
  const { call, queriesModelId, modelId } = context
  if (call.upload) {
    // Not -F, which interprets `@` and `;` in an id.
    const model = queriesModelId ? '--form-string "model=$MODEL"' : `--form-string ${shell(`model=${modelId}`)}`
    return ['-F file=@recording.wav', ...(modelId === undefined && !queriesModelId ? [] : [model])]
  }
  if (!call.body) return []
  const json = ['-H "Content-Type: application/json"', `-d ${bodyArgument(context)}`]
  if (call.file) return [...json, `-o ${call.file}`]
  return call.body.stream === true ? ['-N', ...json] : json
}
