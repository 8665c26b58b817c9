import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { listOf, parseXml, parseXmlList } from '../../../src/clients/threescale/mapping/xml.js'

const declaration = '<?xml version="1.0" encoding="UTF-8"?>'
const application = (id: number, more = '') =>
  `<application>\n<id>${id}</id><name>A &amp; &lt;b&gt;</name><keys><key>k${id}</key></keys>${more}</application>`

const documents: Record<string, string> = {
  'no row': `${declaration}<applications></applications>`,
  'a root that closes itself': `${declaration}<applications/>`,
  'one row': `${declaration}<applications per_page="2">${application(1)}</applications>\n`,
  'many rows': `${declaration}\n<applications>\n  ${[1, 2, 3].map((id) => application(id)).join('\n')}\n</applications>`,
  'rows that contain elements of the same name': `<applications>${application(1, '<plan><application>x</application></plan>')}${application(2)}</applications>`,
  'elements whose name starts with that of a row': `<applications>${application(1, '<application_id>7</application_id>')}</applications>`,
  'attributes of a row': `<applications><application kind="a b"><id>1</id></application></applications>`,
  'an empty row': `<applications><application/>${application(2)}</applications>`,
  'a comment with a row': `<applications><!-- ${application(9)} -->${application(2)}</applications>`,
  'CDATA with a row': `<applications><application><id><![CDATA[</application>]]></id></application></applications>`,
  'another list beside the rows': `<applications><links><link>x</link></links>${application(1)}</applications>`,
}

for (const [name, text] of Object.entries(documents)) {
  t.test(`${name}: the rows are those of the whole document`, async (t) => {
    t.same(await parseXmlList(text, 'applications', 'application'), listOf(parseXml(text).applications, 'application'))
  })
}

t.test('another root has no rows', async (t) => {
  t.equal(await parseXmlList('<error>no</error>', 'applications', 'application'), undefined)
})

t.test('a document that is cut or not XML is rejected', async (t) => {
  const complete = documents['many rows'] ?? ''
  for (let length = 60; length < complete.length - 1; length += 7)
    await t.rejects(parseXmlList(complete.slice(0, length), 'applications', 'application'), `${length} characters`)
  await t.rejects(
    parseXmlList('<applications><application><id></application></applications>', 'applications', 'application'),
  )
  await t.rejects(parseXmlList('<!DOCTYPE a [<!ENTITY b "c">]><applications/>', 'applications', 'application'))
})

t.test('other work runs while a long list is parsed', async (t) => {
  const rows = Array.from({ length: 3000 }, (_, id) => application(id, '<extra>text</extra>'.repeat(20)))
  let isParsing = true
  const parsing = parseXmlList(`<applications>${rows.join('')}</applications>`, 'applications', 'application').finally(
    () => {
      isParsing = false
    },
  )
  let turns = 0
  for (; isParsing; turns++) await nextTurn()
  t.equal((await parsing)?.length, 3000)
  t.ok(turns > 2, `${turns} turns of the event loop`)
})
