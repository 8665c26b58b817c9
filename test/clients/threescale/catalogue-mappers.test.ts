import t from 'tap'
import { toGatewayConfig } from '../../../src/clients/threescale/mapping/catalogue-mappers.js'

/** As 3scale 2.16.4 returns it, without the members that the portal ignores. */
function configOf(proxy: object) {
  return toGatewayConfig({
    version: 1,
    content: { id: 7, backend_version: '1', proxy: { endpoint: 'https://host:443', policy_chain: [], ...proxy } },
  })
}
const apicast = { name: 'apicast', version: 'builtin', configuration: {} }
const routing = (...rules: object[]) => ({ name: 'routing', version: 'builtin', configuration: { rules } })
const route = (value: string, url: string, owner_type = 'BackendApi') => ({
  url,
  owner_id: 25,
  owner_type,
  condition: { operations: [{ match: 'path', op: 'matches', value }] },
  replace_path: "{{uri | remove_first: '/embed'}}",
})

t.test('the paths of backends below the public address are returned without their private addresses', async (t) => {
  const vllm = 'https://vllm.models.example:443'
  for (const [name, proxy, backends] of [
    ['one backend at the root', { api_backend: vllm }, [{ path: '/', versioned: false }]],
    ['its private address ends in a version', { api_backend: `${vllm}/v1` }, [{ path: '/', versioned: true }]],
    ['with a slash', { api_backend: `${vllm}/base/v1/` }, [{ path: '/', versioned: true }]],
    ['a version in the middle', { api_backend: `${vllm}/v1/x` }, [{ path: '/', versioned: false }]],
    [
      'backends below paths',
      {
        api_backend: null,
        policy_chain: [
          routing(
            route('^(/embed/.*|/embed/?)', `${vllm}/v1`),
            route('^(/chat/.*|/chat/?)', vllm),
            route('^(/.*)', vllm),
          ),
          apicast,
        ],
      },
      [
        { path: '/', versioned: false },
        { path: '/chat', versioned: false },
        { path: '/embed', versioned: true },
      ],
    ],
    [
      'a routing policy of the operator',
      { api_backend: null, policy_chain: [routing(route('^/legacy', vllm, 'none')), apicast] },
      [{ path: '/', versioned: false }],
    ],
    ['nothing is known', { api_backend: null }, [{ path: '/', versioned: false }]],
    ['odd shapes', { api_backend: 7, policy_chain: [{ name: 'routing' }, null] }, [{ path: '/', versioned: false }]],
  ] as const) {
    const config = configOf(proxy)
    t.same(config?.backends, backends, name)
    t.notMatch(JSON.stringify(config?.backends), 'vllm', name)
  }
})
