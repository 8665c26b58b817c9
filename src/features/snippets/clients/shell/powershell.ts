import { asciiJson } from '../../languages/escape.js'
import {
  address,
  contentOf,
  credentialLines,
  exportsOf,
  headersOption,
  modelIdLines,
  text,
} from '../../languages/powershell.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

/** The header of a WAVE file with 4,000 bytes of silence, a quarter of a second. */
const WAVE = Buffer.from(
  'RIFF\xc4\x0f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xa0\x0f\0\0',
  'latin1',
).toString('base64')

export const powershell: SnippetClient = {
  client: 'powershell',
  group: 'Shell',
  label: 'PowerShell',
  language: 'powershell',
  note: ({ call }) => [remarks.powershell, ...(call.body?.stream === true ? [remarks.powershellStream] : [])].join(' '),
  limits: { alternatives: [] },
  interpreters: ['templates', 'powershell', 'json'],
  variableLines: exportsOf,
  render(context) {
    const { call, transport, caFile } = context
    const options = [
      `-Method ${call.method} -Uri $uri${headersOption(transport)}`,
      ...(call.upload ? ["-ContentType ('multipart/form-data; boundary=' + $boundary) -Body $body"] : []),
      ...(call.body && !call.upload
        ? ["-ContentType 'application/json' -Body ([Text.Encoding]::UTF8.GetBytes($body))"]
        : []),
      ...(call.file ? [`-OutFile ${call.file}`] : []),
    ].join(' ')
    return [
      ...(caFile ? [`# ${comments.windowsCa(text(caFile))}`] : []),
      ...credentialLines(transport),
      ...modelIdLines(context),
      `$uri = ${address(call.url, transport)}`,
      ...bodyLines(context),
      ...(call.file
        ? [`Invoke-WebRequest -UseBasicParsing ${options}`]
        : [`$answer = Invoke-WebRequest -UseBasicParsing ${options}`, contentOf('$answer')]),
    ].join('\n')
  },
}

function bodyLines(context: SnippetContext): string[] {
  const { call, queriesModelId, modelId } = context
  if (call.upload) return uploadLines(context)
  if (!call.body) return []
  // A here-string expands nothing and ends at a line that begins with '@.
  const here = (value: unknown) => `$body = @'\n${asciiJson(value, { indent: 2 })}\n'@`
  if (!queriesModelId) return [here(modelId === undefined ? call.body : { model: modelId, ...call.body })]
  const placeholder = unusedIn(JSON.stringify(call.body))
  return [`${here({ model: placeholder, ...call.body })}.Replace('"${placeholder}"', (ConvertTo-Json $model))`]
}

function unusedIn(json: string): string {
  let placeholder = 'MODEL_ID'
  while (json.includes(placeholder)) placeholder += '_'
  return placeholder
}

/** Builds multipart/form-data, for which version 5.1 has no option. */
function uploadLines({ queriesModelId, modelId }: SnippetContext): string[] {
  const id = queriesModelId ? '$model' : text(modelId ?? '')
  const field = 'Content-Disposition: form-data; name='
  return [
    "$boundary = 'maas' + [Guid]::NewGuid().ToString('N')",
    '$line = "`r`n"',
    `# ${comments.recording}`,
    `[byte[]]$recording = [Convert]::FromBase64String('${WAVE}') + (New-Object byte[] 4000)`,
    ...(queriesModelId || modelId !== undefined
      ? [`$first = '--' + $boundary + $line + '${field}"model"' + $line + $line + ${id} + $line`]
      : ["$first = ''"]),
    `$first += '--' + $boundary + $line + '${field}"file"; filename="recording.wav"' + $line + 'Content-Type: audio/wav' + $line + $line`,
    "$last = $line + '--' + $boundary + '--' + $line",
    '[byte[]]$body = [Text.Encoding]::UTF8.GetBytes($first) + $recording + [Text.Encoding]::UTF8.GetBytes($last)',
  ]
}
