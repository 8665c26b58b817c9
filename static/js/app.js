import { rememberClient } from './client.js'
import { copyButtons } from './copy.js'
import { themeSwitch } from './theme-switch.js'

themeSwitch()
rememberClient()
copyButtons()
