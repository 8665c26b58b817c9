import { Histogram, Registry } from 'prom-client'
import t from 'tap'
import { createHistogram } from '../../src/web/histogram.js'

const description = { name: 'seconds', help: 'Time', buckets: [0.1, 1] }

t.test('what it exposes is what prom-client exposes of the same values', async (t) => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const line = createHistogram({ ...description, registry: ours })
  const histogram = new Histogram({ ...description, labelNames: ['route', 'status'], registers: [theirs] })
  const kept = line({ route: '/models', status: '2xx' })
  for (const value of [0, 0.1, 0.1001, 1, 7]) {
    kept(value)
    histogram.observe({ route: '/models', status: '2xx' }, value)
  }
  line({ route: '/', status: '3xx' })(0.5)
  histogram.observe({ route: '/', status: '3xx' }, 0.5)
  t.equal(await ours.metrics(), await theirs.metrics())
  t.match(await ours.metrics(), /seconds_bucket\{le="0.1",route="\/models",status="2xx"\} 2\n/)
})

t.test('the same labels are the same line', async (t) => {
  const registry = new Registry()
  const line = createHistogram({ ...description, registry })
  line({ route: '/' })(1)
  line({ route: '/' })(2)
  t.match(await registry.metrics(), /seconds_count\{route="\/"\} 2\n/)
})
