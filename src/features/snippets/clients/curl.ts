import { shell } from '../languages/escape.js'
import { addressWord, askLines, bodyWord, curlWords, tokenLines } from '../languages/shell.js'
import type { Client, Scene } from '../scene.js'

/** A quarter of a second of silence, so that a recording is at hand. */
const SILENCE =
  "{ printf 'RIFF\\304\\017\\000\\000WAVEfmt \\020\\000\\000\\000\\001\\000\\001\\000\\100\\037\\000\\000\\200\\076\\000\\000\\002\\000\\020\\000data\\240\\017\\000\\000'; head -c 4000 /dev/zero; } > recording.wav"

export const curl: Client = {
  client: 'curl',
  group: 'Shell',
  label: 'curl (bash)',
  language: 'bash',
  limits: { nearest: [] },
  readers: ['templates', 'bash', 'json'],
  inShell: (code) => code,
  write(scene) {
    const { call, carrier } = scene
    const [program = '', ...common] = curlWords(scene)
    const parts = [`${program} ${addressWord(call.url, carrier)}`, ...common, ...bodyWords(scene)]
    return [...tokenLines(carrier), ...askLines(scene), ...(call.upload ? [SILENCE] : []), parts.join(' \\\n  ')].join(
      '\n',
    )
  },
}

function bodyWords(scene: Scene): string[] {
  const { call, asks, modelId } = scene
  if (call.upload) {
    // not -F: it would take `@` and `;` in an id as words of its own
    const model = asks ? '--form-string "model=$MODEL"' : `--form-string ${shell(`model=${modelId}`)}`
    return ['-F file=@recording.wav', ...(modelId === undefined && !asks ? [] : [model])]
  }
  if (!call.body) return []
  const json = ['-H "Content-Type: application/json"', `-d ${bodyWord(scene)}`]
  if (call.file) return [...json, `-o ${call.file}`]
  return call.body.stream === true ? ['-N', ...json] : json
}
