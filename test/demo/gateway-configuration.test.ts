import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createConfigurations } from '../../src/demo/gateway/apicast/configuration.js'
import { toProduct } from '../../src/demo/gateway/apicast/product.js'
import { addressFor, routeFor } from '../../src/demo/gateway/apicast/routing-policy.js'
import type { ClientRequest } from '../../src/demo/gateway/nginx/server.js'
import { cli, startStack } from '../helper/stack.js'

/** A deployed configuration in the format of 3scale 2.16.4, reduced to what a gateway reads. */
const recorded = {
  id: 53,
  system_name: 'mistral',
  backend_version: '2',
  backend_authentication_type: 'service_token',
  backend_authentication_value: 'token-of-53',
  proxy: {
    endpoint: 'https://mistral.apicast.example:443',
    sandbox_endpoint: 'https://mistral-staging.apicast.example:443',
    auth_app_key: 'app_key',
    auth_app_id: 'app_id',
    auth_user_key: 'user_key',
    credentials_location: 'query',
    error_auth_failed: 'Authentication failed',
    error_auth_missing: 'Authentication parameters missing',
    error_status_auth_failed: 403,
    error_headers_auth_failed: 'text/plain; charset=us-ascii',
    error_status_auth_missing: 403,
    error_headers_auth_missing: 'text/plain; charset=us-ascii',
    error_no_match: 'No Mapping Rule matched',
    error_status_no_match: 404,
    error_headers_no_match: 'text/plain; charset=us-ascii',
    error_headers_limits_exceeded: 'text/plain; charset=us-ascii',
    error_status_limits_exceeded: 429,
    error_limits_exceeded: 'Usage limit exceeded',
    secret_token: 'Shared_secret_sent_from_proxy_to_API_backend_a7d4b26d2d958c51',
    hostname_rewrite: null,
    oidc_issuer_endpoint: 'https://zync:secret@sso.example/realms/maas',
    authentication_method: '2',
    staging_domain: 'mistral-staging.apicast.example',
    production_domain: 'mistral.apicast.example',
    endpoint_port: 443,
    api_backend: null,
    hosts: ['mistral.apicast.example', 'mistral-staging.apicast.example'],
    backend: { endpoint: 'http://127.0.0.1:3001', host: '127.0.0.1' },
    policy_chain: [
      {
        name: 'routing',
        version: 'builtin',
        enabled: true,
        configuration: { rules: [ruleFor('/embed', 25), ruleFor('/chat', 24)] },
      },
      { name: 'apicast', version: 'builtin', configuration: {} },
    ],
    jwt_claim_with_client_id: null,
    jwt_claim_with_client_id_type: null,
    proxy_rules: [
      {
        http_method: 'GET',
        pattern: '/v1',
        metric_system_name: 'hits',
        delta: 1,
        last: false,
        owner_id: 53,
        owner_type: 'Proxy',
        parameters: [],
        querystring_parameters: {},
      },
      {
        http_method: 'POST',
        pattern: '/chat/v1/chat/completions',
        metric_system_name: 'hits.24',
        delta: 1,
        last: false,
        owner_id: 24,
        owner_type: 'BackendApi',
        parameters: [],
        querystring_parameters: {},
      },
    ],
  },
}

function ruleFor(path: string, owner_id: number) {
  return {
    url: 'https://vllm.models.example:443',
    owner_id,
    owner_type: 'BackendApi',
    condition: { operations: [{ match: 'path', op: 'matches', value: `^(${path}/.*|${path}/?)` }] },
    replace_path: `{{uri | remove_first: '${path}'}}`,
  }
}

const request = (uri: string) => ({ target: uri, uri, search: '' }) as ClientRequest

t.test('a configuration of 3scale is read unchanged', async (t) => {
  const product = toProduct(recorded)
  t.match(product, {
    id: 53,
    version: '2',
    location: 'query',
    port: 443,
    serviceToken: 'token-of-53',
    hosts: ['mistral.apicast.example', 'mistral-staging.apicast.example'],
    hostnameRewrite: undefined,
    clientClaim: 'azp',
    issuer: 'https://sso.example/realms/maas',
    rules: [
      { metric: 'hits', owner: undefined },
      { metric: 'hits.24', owner: 24 },
    ],
  })
  t.equal(product.upstream, undefined, 'several backends have no single address')
  const route = routeFor(product, request('/chat/v1/models'))
  t.equal(route?.owner, 24)
  t.equal(route?.url.host, 'vllm.models.example', 'the default port is not part of the Host header')
  t.equal(route && addressFor(route.url, route.removed, request('/chat/v1/models')), '/v1/models')
  t.equal(routeFor(product, request('/v1/models')), undefined)
  const one = toProduct({ ...recorded, proxy: { ...recorded.proxy, api_backend: 'https://vllm.models.example:443' } })
  t.equal(one.upstream?.host, 'vllm.models.example')
})

t.test('a routing rule that porta never writes matches no request', async (t) => {
  const rules = [
    { ...ruleFor('/chat', 1), url: 'no address' },
    {
      ...ruleFor('/chat', 2),
      condition: { operations: [{ match: 'header', header_name: 'x', op: '==', value: 'y' }] },
    },
    { ...ruleFor('/chat', 3), condition: { operations: [] } },
  ]
  const policy_chain = [{ name: 'routing', configuration: { rules } }]
  const product = toProduct({ ...recorded, proxy: { ...recorded.proxy, policy_chain } })
  t.equal(routeFor(product, request('/chat'))?.owner, 3, 'without a condition it matches every request')
})

t.test('a configuration that cannot be loaded leaves the stale one in use', async (t) => {
  let respond: 'recorded' | 'nothing' | 'error' = 'recorded'
  const urls: string[] = []
  const server = createServer(({ url = '' }, response) => {
    urls.push(url)
    const proxy_configs = respond === 'recorded' ? [{ proxy_config: { content: recorded } }] : []
    response.writeHead(respond === 'error' ? 503 : 200).end(JSON.stringify({ proxy_configs }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  let seconds = 300
  const threescale = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { byHost, clear } = createConfigurations(threescale, () => seconds)
  const [host = '', staging = ''] = recorded.proxy.hosts

  const both = await Promise.all([byHost(host), byHost(host)])
  t.same([both.map((product) => product?.id), urls.length], [[53, 53], 1], 'two at once cause one call')
  t.equal((await byHost(staging))?.id, 53)
  t.match(urls[1], /host=mistral-staging\.apicast\.example&version=latest/)
  await byHost(host)
  t.equal(urls.length, 2, 'cached')
  t.equal(await byHost('nobody.example'), undefined)
  await byHost('nobody.example')
  t.equal(urls.length, 4, 'an unknown host is requested each time')

  seconds = 0.001
  for (const trouble of ['error', 'nothing'] as const) {
    respond = trouble
    await new Promise((resolve) => setTimeout(resolve, 5))
    t.equal((await byHost(host))?.id, 53, `${trouble}: the stale one`)
  }
  seconds = 0
  t.equal(await byHost(host), undefined, 'with 0 s nothing is cached')
  seconds = 300
  clear()
  t.equal(await byHost(host), undefined, 'nothing is cached after a restart')
  server.closeAllConnections()
})

t.test('DEMO_TIMING: real in tests, fast for manual use, any other value is rejected', async (t) => {
  const stack = await startStack(['threescale', 'gateway'])
  t.teardown(() => stack.close())
  const shown = async () =>
    ((await (await fetch(`http://127.0.0.1:${stack.port + 4}/_demo/gateway`)).json()) as Record<string, unknown>)
      .configuration_seconds
  t.equal(await shown(), 300)
  await stack.parts.gateway?.stop()
  await stack.part('gateway', [], { DEMO_TIMING: 'quick' })
  t.equal(await shown(), 0)
  const { PATH = '', HOME = '' } = process.env
  const wrong = spawnSync(process.execPath, [cli, 'demo'], { env: { PATH, HOME, DEMO_TIMING: 'fast' } })
  t.same([wrong.status, String(wrong.stderr)], [1, 'DEMO_TIMING is "fast". Set it to real or quick.\n'])
})
