/** A program that an npm package puts into node_modules/.bin. */
export interface Bin {
  readonly name: string;
  readonly package: string;
}

function binsOf(text: string): readonly Bin[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const [name = "", from = name] = word.split("=");
      return { name, package: from };
    });
}

/** What developers have in node_modules/.bin: `name=package`, or one word for both. */
export const popular = binsOf(`
  tsc=typescript tsserver=typescript tsgo=@typescript/native-preview ts-node tsx eslint prettier vite vitest
  jest=jest mocha ava tap=tap c8 nyc cypress playwright=@playwright/test webdriver-manager karma rollup
  webpack=webpack webpack-cli webpack-dev-server parcel esbuild swc=@swc/cli babel=@babel/cli gulp=gulp-cli
  grunt=grunt-cli turbo nx lerna rush=@microsoft/rush pnpm yarn npm npx=npm corepack node-gyp
  node-pre-gyp=@mapbox/node-pre-gyp prebuild-install husky lint-staged commitlint=@commitlint/cli cz=commitizen
  semantic-release release-it standard xo tslint jshint stylelint markdownlint markdownlint-cli2
  remark=remark-cli alex write-good cspell=cspell knip depcheck npm-check-updates ncu=npm-check-updates next
  nuxt=nuxi nuxi remix=@remix-run/dev astro gatsby=gatsby-cli ng=@angular/cli vue=@vue/cli
  vue-cli-service=@vue/cli-service svelte-kit=@sveltejs/kit svelte-check sv create-react-app create-vite
  create-next-app degit=degit tiged ember=ember-cli hexo=hexo-cli eleventy=@11ty/eleventy
  docusaurus=@docusaurus/core vuepress vitepress storybook sb=@storybook/cli tailwindcss=@tailwindcss/cli
  postcss=postcss-cli sass lessc=less stylus autoprefixer purgecss csso=csso-cli cleancss=clean-css-cli terser
  uglifyjs=uglify-js html-minifier svgo pug=pug-cli ejs handlebars mustache http-server serve live-server
  browser-sync json-server nodemon forever pm2 concurrently npm-run-all run-s=npm-run-all run-p=npm-run-all
  cross-env=cross-env env-cmd dotenv=dotenv-cli rimraf mkdirp cpx copyfiles shx del-cli make-dir=make-dir-cli
  ncp trash=trash-cli chokidar=chokidar-cli onchange wait-on kill-port fkill=fkill-cli open-cli
  clipboard=clipboard-cli qrcode prisma typeorm sequelize=sequelize-cli knex=knex mikro-orm=@mikro-orm/cli
  drizzle-kit kysely-codegen graphql-codegen=@graphql-codegen/cli apollo=apollo rover=@apollo/rover
  openapi=@redocly/cli redocly=@redocly/cli swagger-cli=@apidevtools/swagger-cli quicktype
  firebase=firebase-tools vercel netlify=netlify-cli wrangler serverless sls=serverless cdk=aws-cdk sst=sst
  pulumi-node=@pulumi/pulumi heroku surge now=now gh-pages expo=expo-cli eas=eas-cli react-native
  ionic=@ionic/cli cap=@capacitor/cli cordova electron electron-builder electron-forge=@electron-forge/cli
  asar=@electron/asar pkg=@yao-pkg/pkg nexe ncc=@vercel/ncc tsup unbuild microbundle tsdx bunchee
  api-extractor=@microsoft/api-extractor typedoc jsdoc esdoc documentation plop hygen yo=yo zx=zx semver
  which=which json=json json5 js-yaml fx=fx yaml=yaml ajv=ajv-cli uuid nanoid mime marked showdown
  highlight=highlight.js acorn escodegen esparse=esprima esvalidate=esprima jsesc regjsparser browserslist
  update-browserslist-db caniuse lighthouse lhci=@lhci/cli puppeteer pa11y size-limit bundlesize
  source-map-explorer webpack-bundle-analyzer madge depcruise=dependency-cruiser oxlint oxfmt
  biome=@biomejs/biome dprint rome detox appium nightwatch testcafe wdio=@wdio/cli stryker=@stryker-mutator/core
  autocannon loadtest artillery clinic 0x=0x mjml
`);

/** Innocent packages whose programs are called like tools of the catalog: made up, and anybody's right. */
export const namesakes = binsOf(`
  q=q-cli amp=amp-cli crush=crush-png goose=goose-migrate droid=droid-sans codex=codex-docs
  gemini=gemini-testing kiro=kiro-css continue=continue-cli copilot=copilot-docs cursor=cursor-position
  aider=aider-css qoder=qoder-lint opencode=opencode-docs claude=claude-debussy cline=cline-parser
  windsurf=windsurf-forecast qwen=qwen-tables agent=agent-base-cli code=code-counter
`);
