import { copyButtons } from './copy.js'
import { tabs } from './tabs.js'
import { themeSwitch } from './theme-switch.js'

themeSwitch()
tabs()
copyButtons()
