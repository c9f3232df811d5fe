# A bucket for each stage: its registry, its models, its runs. Who may write to it decides who may promote.

resource "aws_s3_bucket" "store" {
  for_each = local.stages
  bucket   = "${local.name}-${each.key}-${local.account}"
  lifecycle {
    prevent_destroy = true # the models are in it
  }
}

resource "aws_s3_bucket_versioning" "store" {
  for_each = local.stages
  bucket   = aws_s3_bucket.store[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "store" {
  for_each = local.stages
  bucket   = aws_s3_bucket.store[each.key].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "store" {
  for_each                = local.stages
  bucket                  = aws_s3_bucket.store[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "store" {
  for_each = local.stages
  bucket   = aws_s3_bucket.store[each.key].id
  rule {
    id     = "what was overwritten or deleted goes after 90 days"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "store" {
  for_each = local.stages
  bucket   = aws_s3_bucket.store[each.key].id
  policy   = data.aws_iam_policy_document.encrypted_ways[each.key].json
}

data "aws_iam_policy_document" "encrypted_ways" {
  for_each = local.stages
  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.store[each.key].arn, "${aws_s3_bucket.store[each.key].arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

output "stores" {
  description = "what APP_STORE is where a stage's models are trained and promoted"
  value       = { for stage in local.stages : stage => "s3://${aws_s3_bucket.store[stage].id}/store" }
}
