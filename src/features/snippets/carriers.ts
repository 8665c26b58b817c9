import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { quoted, shell } from './escape.js'

/** An environment variable that code reads, and where its value comes from. */
export interface Variable {
  name: string
  value: string | undefined
  hint: string
}

/** How the credential of a product travels, in each language (APIcast, configuration/service.lua). */
export interface Carrier {
  variables: Variable[]
  /** lines of shell before the call, for tokens */
  shellBefore: string[]
  /** curl arguments */
  curl: string[]
  /** appended to the address in shell, in double quotes */
  shellQuery: string
  python: { before: string[]; apiKey: string; headers: [string, string][]; query: [string, string][] }
  js: { before: string[]; apiKey: string; headers: [string, string][]; query: [string, string][] }
  /** true where OPENAI_API_KEY alone can carry it */
  plainKey: boolean
}

type Secrets = Partial<Application['credentials']>

export function carrierOf(model: Model, secrets: Secrets): Carrier {
  const { mode } = model.credentials
  if (mode === 'user_key') return userKey(model, secrets)
  if (mode === 'app_id') return appId(model, secrets)
  return token(model, secrets)
}

const py = (name: string) => `os.environ["${name}"]`
const js = (name: string) => `process.env.${name}`
const none = { before: [], headers: [], query: [] } satisfies Partial<Carrier['python']>

function userKey({ credentials: { location, names } }: Model, secrets: Secrets): Carrier {
  const variables = [{ name: 'MAAS_API_KEY', value: secrets.user_key, hint: 'your key' }]
  const name = names.user_key
  if (location === 'authorization') {
    return {
      variables,
      shellBefore: [],
      curl: ['-H "Authorization: Bearer $MAAS_API_KEY"'],
      shellQuery: '',
      python: { ...none, apiKey: py('MAAS_API_KEY') },
      js: { ...none, apiKey: js('MAAS_API_KEY') },
      plainKey: true,
    }
  }
  const shared = { variables, shellBefore: [], plainKey: false }
  if (location === 'headers') {
    return {
      ...shared,
      curl: [`-H ${shellName(name)}": $MAAS_API_KEY"`],
      shellQuery: '',
      python: { ...none, apiKey: '"unused"', headers: [[name, py('MAAS_API_KEY')]] },
      js: { ...none, apiKey: '"unused"', headers: [[name, js('MAAS_API_KEY')]] },
    }
  }
  return {
    ...shared,
    curl: [],
    shellQuery: `?${encodeURIComponent(name)}=$MAAS_API_KEY`,
    python: { ...none, apiKey: '"unused"', query: [[name, py('MAAS_API_KEY')]] },
    js: { ...none, apiKey: '"unused"', query: [[name, js('MAAS_API_KEY')]] },
  }
}

function appId({ credentials: { location, names } }: Model, secrets: Secrets): Carrier {
  const variables = [
    { name: 'MAAS_APP_ID', value: secrets.app_id, hint: 'your application id' },
    { name: 'MAAS_APP_KEY', value: secrets.app_keys?.at(-1), hint: 'your application key' },
  ]
  const shared = { variables, shellBefore: [], plainKey: false }
  if (location === 'authorization') {
    return {
      ...shared,
      curl: ['-u "$MAAS_APP_ID:$MAAS_APP_KEY"'],
      shellQuery: '',
      python: {
        before: [
          'import base64',
          `basic = base64.b64encode(f"{${py('MAAS_APP_ID').replaceAll('"', "'")}}:{${py('MAAS_APP_KEY').replaceAll('"', "'")}}".encode()).decode()`,
        ],
        apiKey: '"unused"',
        headers: [['Authorization', '"Basic " + basic']],
        query: [],
      },
      js: {
        before: [
          'const basic = Buffer.from(process.env.MAAS_APP_ID + ":" + process.env.MAAS_APP_KEY).toString("base64");',
        ],
        apiKey: '"unused"',
        headers: [['Authorization', '"Basic " + basic']],
        query: [],
      },
    }
  }
  const pairs = (read: (name: string) => string): [string, string][] => [
    [names.app_id, read('MAAS_APP_ID')],
    [names.app_key, read('MAAS_APP_KEY')],
  ]
  if (location === 'headers') {
    return {
      ...shared,
      curl: [`-H ${shellName(names.app_id)}": $MAAS_APP_ID"`, `-H ${shellName(names.app_key)}": $MAAS_APP_KEY"`],
      shellQuery: '',
      python: { ...none, apiKey: '"unused"', headers: pairs(py) },
      js: { ...none, apiKey: '"unused"', headers: pairs(js) },
    }
  }
  return {
    ...shared,
    curl: [],
    shellQuery: `?${encodeURIComponent(names.app_id)}=$MAAS_APP_ID&${encodeURIComponent(names.app_key)}=$MAAS_APP_KEY`,
    python: { ...none, apiKey: '"unused"', query: pairs(py) },
    js: { ...none, apiKey: '"unused"', query: pairs(js) },
  }
}

/** A token lives for minutes, so the code fetches one first. */
function token(model: Model, secrets: Secrets): Carrier {
  const url = secrets.token_url ?? model.token_url ?? 'https://sso.example.com/token'
  return {
    variables: [
      { name: 'MAAS_CLIENT_ID', value: secrets.client_id, hint: 'your client id' },
      { name: 'MAAS_CLIENT_SECRET', value: secrets.client_secret, hint: 'your client secret' },
    ],
    shellBefore: [
      `MAAS_TOKEN=$(curl -sS --fail-with-body -u "$MAAS_CLIENT_ID:$MAAS_CLIENT_SECRET" -d grant_type=client_credentials ${shell(url)} | sed 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/')`,
    ],
    curl: ['-H "Authorization: Bearer $MAAS_TOKEN"'],
    shellQuery: '',
    python: {
      before: [
        'import base64, json, urllib.request',
        `basic = base64.b64encode(f"{os.environ['MAAS_CLIENT_ID']}:{os.environ['MAAS_CLIENT_SECRET']}".encode()).decode()`,
        `request = urllib.request.Request(${quoted(url)}, b"grant_type=client_credentials", {"Authorization": "Basic " + basic})`,
        'token = json.load(urllib.request.urlopen(request))["access_token"]',
      ],
      apiKey: 'token',
      headers: [],
      query: [],
    },
    js: {
      before: [
        'const basic = Buffer.from(process.env.MAAS_CLIENT_ID + ":" + process.env.MAAS_CLIENT_SECRET).toString("base64");',
        `const answer = await fetch(${quoted(url)}, {`,
        '  method: "POST",',
        '  headers: { Authorization: "Basic " + basic },',
        '  body: new URLSearchParams({ grant_type: "client_credentials" }),',
        '});',
        'const { access_token } = await answer.json();',
      ],
      apiKey: 'access_token',
      headers: [],
      query: [],
    },
    plainKey: false,
  }
}

/** 3scale allows letters, digits, - and _ in these names; anything else is quoted all the same. */
function shellName(name: string): string {
  return /^[\w-]+$/.test(name) ? name : shell(name)
}
