import { busyForms } from './busy-forms.js'
import { rememberClient } from './client-choice.js'
import { copyButtons } from './copy.js'
import { openInDialogs } from './dialogs.js'
import { closeMenus, openOnWideScreens } from './disclosures.js'
import { forgetConversations } from './playground-history.js'
import { searchShortcut } from './search-shortcut.js'
import { themeSwitch } from './theme-switch.js'
import { sendTimeZone } from './time-zone.js'

themeSwitch()
rememberClient()
copyButtons()
busyForms()
searchShortcut()
openInDialogs()
for (const field of document.querySelectorAll('[data-submits]')) {
  field.addEventListener('change', () => field.form.requestSubmit())
  for (const button of field.form.querySelectorAll('[type=submit]')) button.hidden = true
}
// Modules of single pages are loaded by those pages only.
const conversation = document.querySelector('[data-playground]')
if (conversation) import('./playground.js').then(({ playground }) => playground(conversation))
if (document.querySelector('[data-catalogue]')) {
  const modules = [import('./catalogue.js'), import('./catalogue-layout.js'), import('./compare.js')]
  const [{ catalogue }, { catalogueLayout }, { compare }] = await Promise.all(modules)
  catalogue()
  catalogueLayout()
  compare()
}
const firstCall = document.querySelector('[data-first-call]')
if (firstCall) import('./first-call.js').then(({ awaitFirstCall }) => awaitFirstCall(firstCall))
const own = document.querySelector('[data-own]')
if (own) import('./home.js').then(({ ownApplications }) => ownApplications(own))
if (document.querySelector('.user-menu')) sendTimeZone()
else forgetConversations()
if (document.querySelector('[data-usage]')) import('./usage-charts.js').then(({ usageCharts }) => usageCharts())
openOnWideScreens()
closeMenus()
