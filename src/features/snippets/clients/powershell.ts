import { asciiJson } from '../languages/escape.js'
import {
  address,
  askLines,
  contentOf,
  credentialLines,
  exportsOf,
  headersOption,
  text,
} from '../languages/powershell.js'
import type { Client, Scene } from '../scene.js'

/** The header of a WAVE file with 4,000 bytes of silence, a quarter of a second. */
const WAVE = Buffer.from(
  'RIFF\xc4\x0f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xa0\x0f\0\0',
  'latin1',
).toString('base64')

export const powershell: Client = {
  client: 'powershell',
  group: 'Shell',
  label: 'PowerShell',
  language: 'powershell',
  note: ({ call }) =>
    [
      'Runs in Windows PowerShell 5.1 and PowerShell 7.',
      ...(call.body?.stream === true ? ['It shows a stream when it is complete.'] : []),
    ].join(' '),
  limits: { nearest: [] },
  readers: ['templates', 'powershell', 'json'],
  inShell: (code) => code,
  exports: exportsOf,
  write(scene) {
    const { call, carrier, caFile } = scene
    const options = [
      `-Method ${call.method} -Uri $uri${headersOption(carrier)}`,
      ...(call.upload ? ["-ContentType ('multipart/form-data; boundary=' + $boundary) -Body $body"] : []),
      ...(call.body && !call.upload
        ? ["-ContentType 'application/json' -Body ([Text.Encoding]::UTF8.GetBytes($body))"]
        : []),
      ...(call.file ? [`-OutFile ${call.file}`] : []),
    ].join(' ')
    return [
      ...(caFile ? [`# Once, so that Windows trusts the gateway: certutil -user -addstore Root ${text(caFile)}`] : []),
      ...credentialLines(carrier),
      ...askLines(scene),
      `$uri = ${address(call.url, carrier)}`,
      ...bodyLines(scene),
      ...(call.file
        ? [`Invoke-WebRequest -UseBasicParsing ${options}`]
        : [`$answer = Invoke-WebRequest -UseBasicParsing ${options}`, contentOf('$answer')]),
    ].join('\n')
  },
}

function bodyLines(scene: Scene): string[] {
  const { call, asks, modelId } = scene
  if (call.upload) return uploadLines(scene)
  if (!call.body) return []
  // in a here-string nothing is read but its end, a line that begins with '@
  const here = (value: unknown) => `$body = @'\n${asciiJson(value, { indent: 2 })}\n'@`
  if (!asks) return [here(modelId === undefined ? call.body : { model: modelId, ...call.body })]
  const mark = unusedIn(JSON.stringify(call.body))
  return [`${here({ model: mark, ...call.body })}.Replace('"${mark}"', (ConvertTo-Json $model))`]
}

function unusedIn(json: string): string {
  let mark = 'MODEL_ID'
  while (json.includes(mark)) mark += '_'
  return mark
}

/** multipart/form-data by hand: version 5.1 has no option for it. */
function uploadLines({ asks, modelId }: Scene): string[] {
  const id = asks ? '$model' : text(modelId ?? '')
  const field = 'Content-Disposition: form-data; name='
  return [
    "$boundary = 'maas' + [Guid]::NewGuid().ToString('N')",
    '$line = "`r`n"',
    '# A quarter of a second of silence, so that a recording is at hand; your own is [IO.File]::ReadAllBytes and its path',
    `[byte[]]$recording = [Convert]::FromBase64String('${WAVE}') + (New-Object byte[] 4000)`,
    ...(asks || modelId !== undefined
      ? [`$first = '--' + $boundary + $line + '${field}"model"' + $line + $line + ${id} + $line`]
      : ["$first = ''"]),
    `$first += '--' + $boundary + $line + '${field}"file"; filename="recording.wav"' + $line + 'Content-Type: audio/wav' + $line + $line`,
    "$last = $line + '--' + $boundary + '--' + $line",
    '[byte[]]$body = [Text.Encoding]::UTF8.GetBytes($first) + $recording + [Text.Encoding]::UTF8.GetBytes($last)',
  ]
}
