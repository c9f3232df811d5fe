# GitHub Actions deploys without a key: it shows the token of a job, and AWS lends it a role for an hour.
# Only jobs of this repository's branch main are taken.

variable "repository" {
  description = "owner/name of the repository on GitHub"
  type        = string
}

resource "aws_iam_openid_connect_provider" "ci" { # an account has one: import it if it is there
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "ci" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.ci.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.repository}:ref:refs/heads/main"]
    }
  }
}
