# A place for the API key of each stage. The key itself is put there by hand, so that no state of Terraform holds it.

resource "aws_secretsmanager_secret" "api_key" {
  for_each = local.stages
  name     = "${local.name}/${each.key}/api-key"
}
