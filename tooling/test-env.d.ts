// What tests and apps have besides Node's types. The file also keeps an empty test folder from being an error.

declare module '*.json.gz'
