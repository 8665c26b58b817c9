import type { Carrier } from '../carriers.js'
import { TOKEN_URL } from '../carriers.js'
import { quotedWide } from '../languages/escape.js'
import { callLines, dictionary, gapLines, literal, modelOf, read, SILENCE } from '../languages/python.js'
import { ASKED, type Client, type Scene } from '../scene.js'

export const pythonRequests: Client = {
  client: 'python-requests',
  group: 'Python',
  label: 'requests',
  language: 'python',
  note: 'Needs: pip install requests',
  limits: { nearest: [] },
  readers: ['templates', 'bash', 'python'],
  inShell: (code) => `python3 - <<'PY'\n${code}\nPY`,
  write(scene) {
    const { call, carrier, caFile, asks, listUrl } = scene
    const common = [...credentialOptions(carrier), ...(caFile ? [`verify=${quotedWide(caFile)}`] : []), 'timeout=60']
    const asking = callLines('models = requests.get', [address(listUrl, carrier), ...common])
    return [
      'import os',
      ...(call.upload ? ['import io, wave'] : []),
      'import requests',
      '',
      ...tokenLines(carrier),
      ...gapLines(scene),
      ...(asks ? [`# ${ASKED}`, ...asking, ...orStop('models'), 'model = models.json()["data"][0]["id"]'] : []),
      ...(call.upload ? SILENCE : []),
      ...callLines(`answer = requests.${call.method.toLowerCase()}`, [
        address(call.url, carrier),
        ...bodyOptions(scene),
        ...common,
      ]),
      ...orStop('answer'),
      ...show(scene),
    ].join('\n')
  },
}

/** The key as it is: `params=` would percent-encode it, and the gateway compares the query undecoded. */
function address(url: string, { kind, pairs }: Carrier): string {
  if (kind !== 'query') return quotedWide(url)
  return pairs
    .map(([name, variable], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${quotedWide(`${start}${encodeURIComponent(name)}=`)} + ${read(variable)}`
    })
    .join(' + ')
}

function credentialOptions({ kind, pairs }: Carrier): string[] {
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

function tokenLines({ kind, pairs, tokenUrl }: Carrier): string[] {
  if (kind !== 'token') return []
  return [
    ...callLines('asked = requests.post', [
      tokenUrl === undefined ? read(TOKEN_URL) : quotedWide(tokenUrl),
      `auth=(${pairs.map(([, variable]) => read(variable)).join(', ')})`,
      'data={"grant_type": "client_credentials"}',
      'timeout=60',
    ]),
    ...orStop('asked'),
    'token = asked.json()["access_token"]',
  ]
}

/** `raise_for_status` would hide what the gateway says, and print an address that may hold the key. */
function orStop(name: string): string[] {
  return [`if not ${name}.ok:`, `    raise SystemExit(f"{${name}.status_code} {${name}.text}")`]
}

function bodyOptions(scene: Scene): string[] {
  const { call, asks, modelId } = scene
  const named = asks || modelId !== undefined ? [`"model": ${modelOf(scene)}`] : []
  if (call.upload) return [`data={${named.join('')}}`, 'files={"file": ("recording.wav", recording.getvalue())}']
  if (!call.body) return []
  const fields = Object.entries(call.body).map(([name, value]) => `${quotedWide(name)}: ${literal(value)}`)
  return [
    `json={\n${[...named, ...fields].map((field) => `        ${field},\n`).join('')}    }`,
    ...(call.body.stream === true ? ['stream=True'] : []),
  ]
}

function show({ call }: Scene): string[] {
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
