import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { loadConfig } from '../../src/config/environment.js'
import { nameOf } from './camera.js'
import { galleryPage } from './gallery.js'
import { shots } from './shots/shots.js'

/** Progress pages, which differ from that of a new application only in their title, and a file. */
const without = ['/sign-up/pending', '/applications/:id/delete/pending', '/applications/:id/notebook.ipynb']

t.test('every page of the portal has a screenshot', async (t) => {
  const { app, routes, stop } = await buildPortal(loadConfig({ ...demoEnvironment(9100, {}), LOG_LEVEL: 'silent' }))
  await app.ready()
  t.teardown(stop)
  const pages = routes
    .filter(({ method, url }) => method === 'GET' && !/^\/(api|static|webhooks|\.well-known)\/|\.(csv|json)$/.test(url))
    .map(({ url }) => url)
  const shown = new Set(shots.map(({ route }) => route))
  t.same(
    pages.filter((url) => !shown.has(url) && !without.includes(url)),
    [],
  )
  t.same(
    [...shown].filter((route) => !routes.some(({ url }) => url === route)),
    [],
    'and each screenshot names a route',
  )
})

t.test('each page and state has one name, and each picture of the README one shot', async (t) => {
  const names = shots.map(nameOf)
  t.equal(new Set(names).size, names.length)
  t.same(shots.flatMap(({ readme }) => readme ?? []).sort(), ['application', 'catalogue', 'playground', 'usage'])
})

t.test('the gallery shows the variants and problems of a page as text', async (t) => {
  const shot = { route: '/', page: 'Home', state: '<b>', path: '/' }
  const html = galleryPage([{ shot, files: ['home/wide-light.png'], problems: ['has <i>'] }])
  t.match(html, '<a href="home/wide-light.png">')
  t.match(html, 'Home · &lt;b>')
  t.match(html, 'has &lt;i>')
})
