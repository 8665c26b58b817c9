import { rememberClient } from './client.js'
import { copyButtons } from './copy.js'
import { themeSwitch } from './theme-switch.js'

themeSwitch()
rememberClient()
copyButtons()
for (const field of document.querySelectorAll('[data-submits]')) {
  field.addEventListener('change', () => field.form.requestSubmit())
  for (const button of field.form.querySelectorAll('[type=submit]')) button.hidden = true
}
const talk = document.querySelector('[data-playground]')
if (talk) import('./playground.js').then(({ playground }) => playground(talk))
