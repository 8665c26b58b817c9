import { rememberClient } from './client.js'
import { copyButtons } from './copy.js'
import { themeSwitch } from './theme-switch.js'
import { tellZone } from './usage-zone.js'
import { openWhenWide } from './wide.js'

themeSwitch()
rememberClient()
copyButtons()
for (const field of document.querySelectorAll('[data-submits]')) {
  field.addEventListener('change', () => field.form.requestSubmit())
  for (const button of field.form.querySelectorAll('[type=submit]')) button.hidden = true
}
const talk = document.querySelector('[data-playground]')
if (talk) import('./playground.js').then(({ playground }) => playground(talk))
// fetched by the page that has them only
if (document.querySelector('[data-catalogue]')) {
  const [{ catalogue }, { compare }] = await Promise.all([import('./catalogue.js'), import('./compare.js')])
  catalogue()
  compare()
}
if (document.querySelector('.user-menu')) tellZone()
if (document.querySelector('[data-usage]')) import('./usage-charts.js').then(({ usageCharts }) => usageCharts())
openWhenWide()
