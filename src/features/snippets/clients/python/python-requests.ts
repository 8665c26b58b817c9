import type { CredentialTransport } from '../../credential-transport.js'
import { TOKEN_URL } from '../../credential-transport.js'
import { quotedUnicode } from '../../languages/escape.js'
import {
  callLines,
  dictionary,
  instructionLines,
  literal,
  modelOf,
  pythonClient,
  read,
  SILENCE,
} from '../../languages/python.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

export const pythonRequests: SnippetClient = {
  ...pythonClient,
  client: 'python-requests',
  label: 'requests',
  note: remarks.requires('pip install requests'),
  limits: { alternatives: [] },
  render(context) {
    const { call, transport, caFile, queriesModelId, listUrl } = context
    const common = [
      ...credentialOptions(transport),
      ...(caFile ? [`verify=${quotedUnicode(caFile)}`] : []),
      'timeout=60',
    ]
    const asking = callLines('models = requests.get', [address(listUrl, transport), ...common])
    return [
      'import os',
      ...(call.upload ? ['import io, wave'] : []),
      'import requests',
      '',
      ...tokenLines(transport),
      ...instructionLines(context),
      ...(queriesModelId
        ? [
            `# ${comments.modelIdQueried}`,
            ...asking,
            ...checkResponse('models'),
            'model = models.json()["data"][0]["id"]',
          ]
        : []),
      ...(call.upload ? SILENCE : []),
      ...callLines(`answer = requests.${call.method.toLowerCase()}`, [
        address(call.url, transport),
        ...bodyOptions(context),
        ...common,
      ]),
      ...checkResponse('answer'),
      ...printLines(context),
    ].join('\n')
  },
}

/** The key without encoding: `params=` would percent-encode it, and the gateway compares the query undecoded. */
function address(url: string, { kind, pairs }: CredentialTransport): string {
  if (kind !== 'query') return quotedUnicode(url)
  return pairs
    .map(([name, variable], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${quotedUnicode(`${start}${encodeURIComponent(name)}=`)} + ${read(variable)}`
    })
    .join(' + ')
}

function credentialOptions({ kind, pairs }: CredentialTransport): string[] {
  const values = pairs.map(([name, variable]): [string, string] => [name, read(variable)])
  switch (kind) {
    case 'bearer':
      return [`headers={"Authorization": "Bearer " + ${values[0]?.[1]}}`]
    case 'token':
      return ['headers={"Authorization": "Bearer " + token}']
    case 'headers':
      return [`headers=${dictionary(values)}`]
    case 'basic':
      return [`auth=(${values.map(([, value]) => value).join(', ')})`]
    case 'query':
      return []
  }
}

function tokenLines({ kind, pairs, tokenUrl }: CredentialTransport): string[] {
  if (kind !== 'token') return []
  return [
    ...callLines('token_response = requests.post', [
      tokenUrl === undefined ? read(TOKEN_URL) : quotedUnicode(tokenUrl),
      `auth=(${pairs.map(([, variable]) => read(variable)).join(', ')})`,
      'data={"grant_type": "client_credentials"}',
      'timeout=60',
    ]),
    ...checkResponse('token_response'),
    'token = token_response.json()["access_token"]',
  ]
}

/** `raise_for_status` would drop the gateway's message and print an address that can contain the key. */
function checkResponse(name: string): string[] {
  return [`if not ${name}.ok:`, `    raise SystemExit(f"{${name}.status_code} {${name}.text}")`]
}

function bodyOptions(context: SnippetContext): string[] {
  const { call, queriesModelId, modelId } = context
  const named = queriesModelId || modelId !== undefined ? [`"model": ${modelOf(context)}`] : []
  if (call.upload) return [`data={${named.join('')}}`, 'files={"file": ("recording.wav", recording.getvalue())}']
  if (!call.body) return []
  const fields = Object.entries(call.body).map(([name, value]) => `${quotedUnicode(name)}: ${literal(value)}`)
  return [
    `json={\n${[...named, ...fields].map((field) => `        ${field},\n`).join('')}    }`,
    ...(call.body.stream === true ? ['stream=True'] : []),
  ]
}

function printLines({ call }: SnippetContext): string[] {
  if (call.file)
    return [
      `with open("${call.file}", "wb") as sound:`,
      '    sound.write(answer.content)',
      `print("${call.file} is written")`,
    ]
  if (call.body?.stream === true)
    return ['for line in answer.iter_lines(decode_unicode=True):', '    if line:', '        print(line)']
  return ['print(answer.text)']
}
